"""The table of divisors that the old code kept by feature name, until 2025-06-03.

`OBS_NORMALIZATIONS` is the union of its states from 2025-02-27 on, in which no name ever had two values.
"""

_BY_VALUE: dict[float, str] = {
    1.0: "agent agent:frozen agent:orientation agent:shield wall generator mine altar armory lasery lab factory temple "
    "temple:ready generator:ready mine:ready altar:ready armory:ready lasery:ready lab:ready factory:ready "
    "ready converting converter swappable",
    10.0: "agent:group agent:kinship color last_action last_action_argument type_id",
    30.0: "hp agent:hp wall:hp generator:hp mine:hp altar:hp armory:hp lasery:hp lab:hp factory:hp temple:hp",
    100.0: "agent:inv:ore agent:inv:ore.red agent:inv:ore.blue agent:inv:ore.green agent:inv:battery agent:inv:heart "
    "agent:inv:laser agent:inv:armor agent:inv:blueprint inv:ore inv:ore.red inv:ore.blue inv:ore.green inv:battery "
    "inv:battery.red inv:battery.blue inv:battery.green inv:heart inv:laser inv:armor inv:blueprint",
    255.0: "agent:color agent:energy",
}
OBS_NORMALIZATIONS: dict[str, float] = {name: value for value, names in _BY_VALUE.items() for name in names.split()}
OBS_NORMALIZATIONS_E1 = {**OBS_NORMALIZATIONS, "agent:hp": 1.0, "wall:hp": 10.0}
"""Until 2025-02-27."""
