"""The suite's GitHub traffic held against GitHub's own description of its API: ``make contract``.

The description (npm package ``@octokit/openapi``) is reduced to the paths in use, and everything that tests of GitHub ask
of the forge goes through ``prism proxy --errors``, which answers with an error where a request or an answer does not fit.
Done for github.com and for the newest GitHub Enterprise Server in the package.

``python -m tests.contract run [FOLDER]``: install the packages into the folder (else one that is thrown away), and run.
``python -m tests.contract examples FOLDER``: make ``tests/forge/github_examples.json`` from the description.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.forge import github

PACKAGES = ("@octokit/openapi@^23", "@stoplight/prism-cli@~5.14")
_GENERATED = "node_modules/@octokit/openapi/generated"
_ROOT = Path(__file__).parent.parent
# What prism says of something that does not fit, and of a path that is not in the description.
_VIOLATION = re.compile(
    r"Violation|UNPROCESSABLE_ENTITY|NO_PATH_MATCHED|NO_METHOD_MATCHED|NO_RESPONSE_DEFINED", re.IGNORECASE
)
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


def reduced(description: dict[str, Any]) -> dict[str, Any]:
    """The description with the paths and methods that the forge for tests knows, and what they refer to."""
    paths: dict[str, Any] = {}
    for method, pattern, _ in github.ROUTES:
        path = pattern.replace(github.PROJECT, "/{owner}/{repo}")
        path = re.sub(
            r"(pulls|issues)/\(\?P<pull>[^)]*\)", lambda m: f"{m[1]}/{{{m[1].removesuffix('s')}_number}}", path
        )
        item = description["paths"][path]
        kept = paths.setdefault(path, {key: value for key, value in item.items() if key == "parameters"})
        kept[method.lower()] = item[method.lower()]
    components: dict[str, dict[str, Any]] = {}
    todo = list(_references(paths))
    while todo:
        kind, name = todo.pop()
        if name not in components.setdefault(kind, {}):
            components[kind][name] = description["components"][kind][name]
            todo += _references(components[kind][name])
    servers = [{"url": "http://127.0.0.1"}]
    return {
        **{key: description[key] for key in ("openapi", "info")},
        "servers": servers,
        "paths": paths,
        "components": components,
    }


def _references(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        if isinstance(reference := node.get("$ref"), str):
            _, _, kind, name = reference.split("/")
            yield kind, name
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def newest(folder: Path) -> list[Path]:
    """The descriptions to hold against: github.com's, and the one of the newest Enterprise Server."""
    servers = [path for path in folder.glob("ghes-*.json") if ".deref" not in path.name]
    return [folder / "api.github.com.json", max(servers, key=lambda p: [int(n) for n in re.findall(r"\d+", p.name)])]


def install(folder: Path) -> None:
    """The two packages, without the scripts that packages may want to run."""
    npm = [
        "npm",
        "install",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--no-save",
        "--prefix",
        str(folder),
        *PACKAGES,
    ]
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(npm, check=True, cwd=folder)


def hold(folder: Path, description: Path) -> bool:
    """Run the tests of GitHub through the proxy; whether they pass and nothing was found that does not fit."""
    small = folder / f"reduced-{description.name}"
    small.write_text(json.dumps(reduced(json.loads(description.read_text()))))
    upstream, port = _free(), _free()
    log = folder / f"prism-{description.stem}.log"
    prism = [str(folder / "node_modules/.bin/prism"), "proxy", str(small), f"http://127.0.0.1:{upstream}/api/v3",
             "--errors", "--host", "127.0.0.1", "--port", str(port)]  # fmt: skip
    with (
        log.open("wb") as out,
        subprocess.Popen(prism, stdout=out, stderr=subprocess.STDOUT, start_new_session=True) as proxy,
    ):
        try:
            _wait_for(port, proxy)
            environment = {**os.environ, "FORGE_PORT": str(upstream), "FORGE_PROXY": f"http://127.0.0.1:{port}"}
            tests = ["tests/test_pullrequests.py", "tests/test_pr_command.py"]
            chosen = ["-k", "not gitlab and not gitea", "-m", "not undescribed"]
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, *chosen]
            passed = subprocess.run(command, cwd=_ROOT, env=environment, check=False).returncode == 0
        finally:
            os.killpg(proxy.pid, signal.SIGTERM)
    said = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text("utf-8", "replace")).splitlines()
    requests = sum("Request received" in line for line in said)
    wrong = [line for line in said if _VIOLATION.search(line)]
    print(f"{description.name}: {requests} requests, {len(wrong)} violations")
    print("\n".join(wrong[:20]))
    return passed and not wrong and requests > 100


def _free() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _wait_for(port: int, proxy: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if proxy.poll() is not None:
                break
            time.sleep(0.1)
    raise SystemExit("prism did not start")


def run(folder: Path) -> int:
    """0 where everything fits."""
    install(folder)
    fits = [hold(folder, description) for description in newest(folder / _GENERATED)]
    return 0 if all(fits) else 1


def main(arguments: list[str]) -> int:
    """See above."""
    if arguments[:1] == ["examples"] and len(arguments) == 2:
        text = (Path(arguments[1]) / _GENERATED / "api.github.com.json").read_text()
        made = json.dumps(examples(json.loads(text)), indent=1, sort_keys=True)
        Path(__file__).with_name("forge").joinpath("github_examples.json").write_text(made + "\n")
        return 0
    if arguments[:1] == ["run"] and len(arguments) == 2:
        return run(Path(arguments[1]).resolve())
    if arguments == ["run"]:
        with tempfile.TemporaryDirectory(prefix="contract-") as folder:
            return run(Path(folder))
    print(__doc__)
    return 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
