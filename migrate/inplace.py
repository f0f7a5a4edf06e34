"""Components that write into what they read, where the old stack's merges make something else of that.

An old merge ran again for each of its readers, on whatever its sources were by then; a new one runs once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from migrate.errors import UnusableFileError
from migrate.registry import LAYERS

MERGE = "_merge"
"""How the stems of merges end."""
VIEWS = (
    *("batch_reshape", "center_pixel", "expand", "flatten", "identity", "reshape"),
    *("alpha_dropout", "dropout", "dropout2d"),  # what they give without training is what they got
)
"""Stems whose output may be their input's memory."""

Sources = Mapping[str, Sequence[str]]
Stems = Mapping[str, str]


def check_inplace(components: Mapping[str, Mapping[str, Any]], where: object) -> None:
    """Refuses a component that writes into what a merge with several readers is made of, or into the merge.

    Args:
        components: the new configs, by name.
        where: the file.

    Raises:
        UnusableFileError: "writes into its input, and the merge ...".
    """
    targets = {name: str(component["_target_"]) for name, component in components.items()}
    stems = {name: target.removeprefix(LAYERS["modules"]).partition(".")[0] for name, target in targets.items()}
    sources = {name: [each["name"] for each in c.get("sources") or ()] for name, c in components.items()}
    writers = [name for name, component in components.items() if component.get("inplace")]
    for writer, merge, written in written_merges(stems, sources, writers):
        of = "" if written == merge else f" is made of {written!r} and"
        raise UnusableFileError(
            f"writes into its input, and the merge {merge!r}{of} ran anew for each of its readers in the old stack",
            where=f"{where}: component {writer!r}",
            fix="if nothing else reads this input, leave `inplace` out; if not, keep the agent on the old stack",
        )


def written_merges(stems: Stems, sources: Sources, writers: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """`(writer, merge, what of both is written into)`.

    Args:
        stems: name -> stem of each component.
        sources: name -> the components that it reads.
        writers: those that write into what they read.
    """
    for writer in writers:
        memory = _same_memory(writer, sources, stems)
        for merge in _merged_again(sources, stems):
            if writer not in _above(merge, sources):  # else it is written into before the merge first runs
                yield from ((writer, merge, each) for each in (merge, *sources[merge]) if each in memory)


def _merged_again(sources: Sources, stems: Stems) -> list[str]:
    """Merges with several readers, and those that they read."""
    readers = Counter(source for names in sources.values() for source in names)
    found = [name for name, stem in stems.items() if stem.endswith(MERGE) and readers[name] > 1]
    for name in found:
        found += [s for s in sources[name] if stems.get(s, "").endswith(MERGE) and s not in found]
    return found


def _above(name: str, sources: Sources) -> set[str]:
    """All that a component depends on."""
    return _reached(name, sources) - {name}


def _same_memory(writer: str, sources: Sources, stems: Stems) -> set[str]:
    """Components whose output may be the memory that `writer` writes into."""
    shared: dict[str, set[str]] = defaultdict(set)
    for name, names in sources.items():
        if name == writer or stems[name] in VIEWS or (stems[name].endswith(MERGE) and len(names) == 1):
            for source in names:
                shared[name].add(source)
                shared[source].add(name)
    return _reached(writer, shared)


def _reached(name: str, links: Mapping[str, Iterable[str]]) -> set[str]:
    """All that links lead to, and `name` itself."""
    found, waiting = {name}, [name]
    while waiting:
        new = set(links.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return found
