"""The habits by name: deviations of people from the base day, and faults of their phones."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Habit:
    """Differences from the base day.

    `rule` is a name in the table of rules. Shares are of persons, `cafe` and `ebike` of rounds. `radii`: accuracy stated by
    phones, ``honest``, ``third`` of the true radius, or ``none``.
    """

    words: str
    rule: str = "default"
    night: bool = False
    lunch_home: bool = False
    along_borders: bool = False
    cafe: float = 0.0
    ebike: float = 0.02
    swap: float = 0.0
    radii: str = "honest"
    late: float = 0.0
    wrong_clock: float = 0.0
    power_saving: bool = False


HABITS: dict[str, Habit] = {
    "base": Habit("two rounds a day from an office, on foot"),
    "lunch_home": Habit("lunch at home, which lies inside a grid, for three in ten inside their own", lunch_home=True),
    "swap": Habit("a third of the officers work in each other's grids, half of them as declared deputies", swap=0.34),
    "borders": Habit("rounds along the borders, two to five metres off them", along_borders=True),
    "late": Habit("half of the phones send hours late, out of order and partly twice", late=0.5),
    "no_radii": Habit("no phone states an accuracy", radii="none"),
    "radii_third": Habit("phones state a third of their true error", radii="third"),
    "cafe": Habit("a rest of 20 to 70 minutes 2 to 15 m from a border of the own grid, on either side", cafe=0.5),
    "night": Habit("shifts from 18:00 to 02:00, by the default rule's hours", night=True),
    "night_all_hours": Habit("the same shifts, by a rule without hours of duty", rule="all_hours", night=True),
    "ebike": Habit("a third of the rounds are rides to and fro at 16 to 24 km/h", ebike=0.34),
    "clocks": Habit("the clock of one phone in five is eight hours off", wrong_clock=0.2),
    "power_saving": Habit("phones at rest send every 5 to 15 minutes, whatever their rate", power_saving=True),
}
