"""The suite's GitHub traffic held against GitHub's own description of its API: ``make contract``.

``python -m tests.contract run FOLDER`` installs two npm packages into the folder, reduces the description to the paths in use and
runs the tests through ``prism proxy --errors``, which answers with an error where a request or an answer does not fit.
``python -m tests.contract examples FOLDER`` makes ``tests/forge/github_examples.json`` from the description.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

_EXAMPLES = {
    "pull-request": ("/repos/{owner}/{repo}/pulls/{pull_number}", "get", "200"),
    "pull-request-simple": ("/repos/{owner}/{repo}/pulls", "get", "200"),
    "label": ("/repos/{owner}/{repo}/issues/{issue_number}/labels", "post", "200"),
    "comment": ("/repos/{owner}/{repo}/issues/{issue_number}/comments", "post", "201"),
    "review": ("/repos/{owner}/{repo}/pulls/{pull_number}/reviews", "get", "200"),
    "full-repository": ("/repos/{owner}/{repo}", "get", "200"),
    "user": ("/user", "get", "200"),
}


def examples(description: dict[str, Any]) -> dict[str, Any]:
    """An example of each shape that the forge for tests answers with, by its name."""
    found = {}
    for name, (path, verb, status) in _EXAMPLES.items():
        content = description["paths"][path][verb]["responses"][status]["content"]["application/json"]
        first = next(iter(content["examples"].values()))
        reference = first["$ref"].rsplit("/", 1)[-1]
        value = description["components"]["examples"][reference]["value"]
        found[name] = value[0] if isinstance(value, list) else value
    found["simple-user"] = found["pull-request"]["user"]
    found["repository"] = found["pull-request"]["head"]["repo"]
    return found


if __name__ == "__main__":
    if sys.argv[1] == "examples":
        text = (Path(sys.argv[2]) / "node_modules/@octokit/openapi/generated/api.github.com.json").read_text()
        made = json.dumps(examples(json.loads(text)), indent=1, sort_keys=True)
        Path(__file__).with_name("forge").joinpath("github_examples.json").write_text(made + "\n")
