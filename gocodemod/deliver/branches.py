"""One branch and one commit for each change set, made in git's object store: work tree, index, HEAD and stash stay as they are.

Base, contents, author and date decide a commit's id; the date is the base's. A branch that holds the same change on
the same base is left alone, one of ours on another base is made anew, and what somebody else committed is never
overwritten.
"""

from __future__ import annotations

import enum
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gocodemod.deliver import changesets
from gocodemod.deliver.changesets import ChangeSet
from gocodemod.deliver.snapshot import Snapshot, object_id
from gocodemod.errors import UsageError
from gocodemod.git import GitError, Repository

_PENDING = "refs/gocodemod/pending"
_IDENTITY = re.compile(r"[^<>\n\0]+ <[^<>\n\0]*>")


class Status(enum.StrEnum):
    """What became of a branch."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DIVERGED = "diverged"


@dataclass(frozen=True)
class Branch:
    """``commit``: its tip now. ``was``: its tip before, "" where there was none. ``why``: what stood in the way."""

    change: ChangeSet
    status: Status
    commit: str
    was: str = ""
    why: str = ""


@dataclass(frozen=True)
class Signature:
    """``author``: ``Name <mail>``. ``sign``: sign the commits as ``git commit -S`` does."""

    author: str
    sign: bool = False


@dataclass(frozen=True)
class _Commit:
    tree: str
    parents: tuple[str, ...]
    author_date: str
    committer_date: str
    message: bytes


def author(repository: Repository, asked: str | None) -> str:
    """``Name <mail>``: what was asked for, else git's ``user.name`` and ``user.email``. Raises UsageError."""
    if asked is not None:
        if not _IDENTITY.fullmatch(asked):
            raise UsageError(f"--author must be 'Name <mail>', not {asked!r}")
        return asked
    name, mail = (_config(repository, key) for key in ("user.name", "user.email"))
    told = f"{name or 'gocodemod'} <{mail or 'gocodemod@localhost'}>"
    return told if _IDENTITY.fullmatch(told) else "gocodemod <gocodemod@localhost>"


def _config(repository: Repository, key: str) -> str:
    try:
        return repository.run("config", "--get", key).decode("utf-8", "replace").strip()
    except GitError:
        return ""


def deliver(
    snapshot: Snapshot, changes: Sequence[ChangeSet], signature: Signature, *, dry_run: bool = False
) -> tuple[Branch, ...]:
    """Make or renew the branches of the change sets. Raises UsageError where a name is in the way."""
    repository = snapshot.repository
    tips = _tips(repository)
    _check_names(changes, tips)
    held = _checked_out(repository)
    date = _commit(repository, snapshot.base).committer_date
    planned: list[Branch] = []
    for change in changes:
        text = _text(snapshot, change, signature.author, date)
        name = object_id("commit", text, snapshot.base)
        planned.append(_plan(snapshot, change, name, tips.get(change.branch, ""), held))
    if dry_run:
        return tuple(planned)
    wanted = [b for b in planned if b.status in (Status.CREATED, Status.UPDATED)]
    if not wanted:
        return tuple(planned)
    made = _made(snapshot, [b.change for b in wanted], signature, date)
    _move(repository, wanted, made, snapshot.base)
    return tuple(Branch(b.change, b.status, made.get(b.change.branch, b.commit), b.was, b.why) for b in planned)


def commit_ids(snapshot: Snapshot, changes: Iterable[ChangeSet], signature: Signature) -> dict[str, str]:
    """What the commits of the change sets are called, by branch; signed ones get another name when they are signed."""
    date = _commit(snapshot.repository, snapshot.base).committer_date
    texts = ((change.branch, _text(snapshot, change, signature.author, date)) for change in changes)
    return {branch: object_id("commit", text, snapshot.base) for branch, text in texts}


def make(snapshot: Snapshot, changes: Sequence[ChangeSet], signature: Signature) -> dict[str, str]:
    """Write the commits, and no branch; their ids by branch. Raises GitError where they cannot be signed."""
    if not changes:
        return {}
    date = _commit(snapshot.repository, snapshot.base).committer_date
    made = _made(snapshot, changes, signature, date)
    _move(snapshot.repository, (), made, snapshot.base)
    return made


def _made(snapshot: Snapshot, changes: Sequence[ChangeSet], signature: Signature, date: str) -> dict[str, str]:
    made = _import(snapshot, changes, signature.author, date)
    if not signature.sign:
        return made
    return {branch: _signed(snapshot.repository, commit, signature.author) for branch, commit in made.items()}


def holds(snapshot: Snapshot, commit: str, change: ChangeSet) -> bool:
    """Whether a commit makes just this change to the base; it may be signed, or worded differently."""
    there = _commit(snapshot.repository, commit)
    return there.parents == (snapshot.base,) and there.tree == snapshot.tree_with(change.files)


def is_ours(repository: Repository, commit: str, transform: str) -> bool:
    """Whether a commit is as we made it for that transform."""
    return _ours(repository, _commit(repository, commit), transform)


def _plan(snapshot: Snapshot, change: ChangeSet, name: str, tip: str, held: Mapping[str, str]) -> Branch:
    if not tip:
        return Branch(change, Status.CREATED, name)
    if tip == name:
        return Branch(change, Status.UNCHANGED, tip, tip)
    if holds(snapshot, tip, change):
        return Branch(change, Status.UNCHANGED, tip, tip)
    if not is_ours(snapshot.repository, tip, change.transform.name):
        return Branch(change, Status.DIVERGED, tip, tip, "holds commits that gocodemod did not make")
    if change.branch in held:
        return Branch(change, Status.DIVERGED, tip, tip, f"is checked out in {held[change.branch]}")
    return Branch(change, Status.UPDATED, name, tip)


def _ours(repository: Repository, there: _Commit, transform: str) -> bool:
    """Whether a commit is as we made it: our trailers, and still the date of its parent, which no other tool gives it."""
    trailer = f"\nGocodemod-Transform: {transform}\n".encode()
    if len(there.parents) != 1 or trailer not in there.message:
        return False
    try:
        parent = _commit(repository, there.parents[0])
    except GitError:
        return False
    return there.author_date == there.committer_date == parent.committer_date


def _tips(repository: Repository) -> dict[str, str]:
    listed = os.fsdecode(repository.run("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads"))
    rows = (line.split(" ", 1) for line in listed.splitlines())
    return {name.removeprefix("refs/heads/"): commit for commit, name in rows}


def _check_names(changes: Iterable[ChangeSet], tips: Mapping[str, str]) -> None:
    """Branches are files: where ``a`` is one, ``a/b`` cannot be."""
    for change in changes:
        parts = change.branch.split("/")
        for length in range(1, len(parts)):
            if (above := "/".join(parts[:length])) in tips:
                raise UsageError(f"the branch {above} is in the way of {change.branch}: choose another --prefix")
        if below := next((name for name in tips if name.startswith(f"{change.branch}/")), None):
            raise UsageError(f"the branch {below} is in the way of {change.branch}: choose another --prefix")


def check_prefix(repository: Repository, prefix: str) -> str:
    """The prefix, if git lets a branch be named so. Raises UsageError."""
    try:
        repository.run("check-ref-format", "--branch", f"{prefix}/x")
    except GitError as error:
        raise UsageError(f"--prefix {prefix!r}: git allows no branch of such a name") from error
    return prefix


def _checked_out(repository: Repository) -> dict[str, str]:
    """The work tree that holds a branch, by the branch's name."""
    found: dict[str, str] = {}
    folder = ""
    for line in os.fsdecode(repository.run("worktree", "list", "--porcelain")).splitlines():
        key, _, value = line.partition(" ")
        if key == "worktree":
            folder = value
        elif key == "branch":
            found[value.removeprefix("refs/heads/")] = folder
    return found


def _commit(repository: Repository, name: str) -> _Commit:
    raw = repository.run("cat-file", "commit", name)
    head, _, message = raw.partition(b"\n\n")
    fields: dict[str, list[str]] = {}
    for line in head.decode("utf-8", "replace").split("\n"):
        key, _, value = line.partition(" ")
        fields.setdefault(key, []).append(value)
    dates = [" ".join(fields[key][0].rsplit(" ", 2)[1:]) for key in ("author", "committer")]
    return _Commit(fields["tree"][0], tuple(fields.get("parent", ())), dates[0], dates[1], message)


def _text(snapshot: Snapshot, change: ChangeSet, identity: str, date: str) -> bytes:
    head = (
        f"tree {snapshot.tree_with(change.files)}\nparent {snapshot.base}\n"
        f"author {identity} {date}\ncommitter {identity} {date}\n\n"
    )
    return head.encode() + changesets.message(change)


def _import(snapshot: Snapshot, changes: Sequence[ChangeSet], identity: str, date: str) -> dict[str, str]:
    """Write all commits with one process (https://git-scm.com/docs/git-fast-import); their ids by branch."""
    stream: list[bytes] = []
    for number, change in enumerate(changes):
        text = changesets.message(change)
        stream.append(
            f"commit {_PENDING}/{number}\nauthor {identity} {date}\ncommitter {identity} {date}\n"
            f"data {len(text)}\n".encode()
            + text
            + f"\nfrom {snapshot.base}\n".encode()
        )
        for path, data in sorted(change.files.items()):
            mode = snapshot.entries[path].mode
            stream.append(
                f"M {mode} inline ".encode() + _quoted(path) + f"\ndata {len(data)}\n".encode() + data + b"\n"
            )
    stream.append(b"done\n")
    repository = snapshot.repository
    repository.run("fast-import", "--quiet", "--done", "--force", "--date-format=raw", data=b"".join(stream))
    listed = repository.run("for-each-ref", "--format=%(refname) %(objectname)", f"{_PENDING}/*").decode()
    commits = dict(line.split(" ") for line in listed.splitlines())
    return {change.branch: commits[f"{_PENDING}/{number}"] for number, change in enumerate(changes)}


def _quoted(path: str) -> bytes:
    """A path as fast-import reads it: in quotes, every unusual byte as an octal escape."""
    plain = b"".join(bytes([b]) if 32 <= b < 127 and b not in b'"\\' else b"\\%03o" % b for b in os.fsencode(path))
    return b'"' + plain + b'"'


def _signed(repository: Repository, commit: str, identity: str) -> str:
    """The same commit with a signature. Raises GitError where there is no key."""
    there = _commit(repository, commit)
    name, mail = identity.removesuffix(">").rsplit(" <", 1)
    who: dict[str, str] = {}
    for role in ("AUTHOR", "COMMITTER"):
        who |= {f"GIT_{role}_NAME": name, f"GIT_{role}_EMAIL": mail, f"GIT_{role}_DATE": there.author_date}
    parents = [part for parent in there.parents for part in ("-p", parent)]
    arguments = ("commit-tree", "-S", "-F", "-", *parents, there.tree)
    return repository.run(*arguments, data=there.message, extra=who).decode().strip()


def _move(repository: Repository, wanted: Iterable[Branch], made: Mapping[str, str], base: str) -> None:
    """Move all branches in one transaction, each only if it is still where it was."""
    none = "0" * len(base)
    orders = [f"update refs/heads/{b.change.branch}\0{made[b.change.branch]}\0{b.was or none}\0" for b in wanted]
    pending = repository.run("for-each-ref", "--format=%(refname)", f"{_PENDING}/*").decode().split()
    orders += [f"delete {name}\0\0" for name in pending]
    reason = ("-m", "gocodemod")
    repository.run("update-ref", *reason, "--stdin", "-z", data="".join(orders).encode())
