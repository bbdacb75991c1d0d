"""What the three dialects share: finding the method that answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tests.forge.world import No, World

if TYPE_CHECKING:
    from tests.forge.server import Answer, Request

Route = tuple[str, str, str]


def dispatch(
    api: Any,
    world: World,
    request: Request,
    path: str,
    routes: Sequence[Route],
    missing: Answer,
    refused: Callable[[No], Answer],
) -> Answer:
    """Call the method of ``api`` that a route names, with the project or pull request that the path names."""
    from tests.forge.server import answer

    for method, pattern, name in routes:
        match = re.fullmatch(pattern, path)
        if match is None or method != request.method:
            continue
        arguments: list[Any] = []
        if "project" in match.groupdict():
            named = unquote(match["project"])
            projects = {key: p for p in world.projects.values() for key in (p.name, str(p.id))}
            if named not in projects:
                return missing
            arguments = [projects[named]]
            if "pull" in match.groupdict():
                if int(match["pull"]) not in projects[named].pulls:
                    return missing
                arguments = [projects[named].pulls[int(match["pull"])]]
        try:
            status, body = getattr(api, name)(*arguments)
        except No as no:
            return refused(no)
        return answer(status, body)
    return missing
