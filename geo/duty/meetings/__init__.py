"""Meetings: the agenda of Tuesday, Thursday and Saturday, and decisions that open the next one.

Terms
-----
meeting day
    Tuesday, Thursday and Saturday (:data:`~geo.duty.meetings.agendas.MEETING_DAYS`), whatever the calendar of working days says.
line
    One item of an agenda: what it is about, why it is here, the question, and who would have to act.
decision (议定事项)
    Who does what until when. One about a case is a step of that case; its text is not entered again.

``records`` holds meetings and decisions, ``outcomes`` finds the decisions in the events and says which are carried out,
``agendas`` makes the agenda.
"""
