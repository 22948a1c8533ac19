"""Meetings: the agendas of Tuesday, Thursday and Saturday, and decisions, which are reviewed at the next meeting.

Terms
-----
meeting day
    Tuesday, Thursday and Saturday (:data:`~geo.duty.meetings.agendas.MEETING_DAYS`), independent of the working day calendar.
line
    An item of an agenda: its subject, the reason, the question, and the proposed owner.
decision (议定事项)
    A task with its owner and due day. A decision about a case is a step of that case; its text is not entered again.

``records`` contains meetings and decisions, ``outcomes`` finds decisions in events and determines which are carried out,
``agendas`` composes the agenda.
"""
