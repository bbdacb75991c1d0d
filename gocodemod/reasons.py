"""Every reason a site can end with, a sentence each. ``gocodemod explain REASON`` prints it."""

from __future__ import annotations

REASONS: dict[str, str] = {
    # The engine's own.
    "parse-error": "Go's parser rejects this file, so nothing in it is edited.",
    "grammar-gap": (
        "The enclosing function holds syntax that tree-sitter-go cannot read yet (such as new(expr) of Go 1.26), so its "
        "tree cannot be trusted and the function is left alone."
    ),
    "types-unavailable": (
        "The type checker could not say what this code means: there is no Go toolchain, or the package, or what it "
        "imports, could not be loaded. Nothing is decided by guessing."
    ),
    "format-unsafe": "The file is not gofmt-clean and the edit could not be formatted without touching other lines.",
    "excluded-by-build": (
        "Build constraints leave this file out, and no build configuration was found in which its package loads."
    ),
    "internal-error": "The transform failed on this site. That is a bug of ours; the evidence has the details.",
    "import-name-taken": (
        "The rewrite needs an import whose name means something else in this file, and no other name was found for it."
    ),
    "changed-on-disk": "The file changed between reading and deciding: nothing in it is touched; run again.",
    "go-too-old": "The language version of this file is older than the rewrite needs.",
    # Stop signals.
    "no-stop-signal": (
        "No context.Context and no stop channel that could end the loop is in scope at the site, or those that are "
        "cannot be relied on (assigned elsewhere, declared inside the loop, sent to, meaning a start rather than a stop)."
    ),
    "never-fires": "The only candidate is never cancelled or closed, so a stop arm on it would be dead code.",
    "request-scoped-signal": (
        "The only candidate is the context of a request or an RPC, and the goroutine is meant to outlive that."
    ),
    "cancelled-by-starter": (
        "The function that starts this goroutine cancels the context when it returns and does not wait for the "
        "goroutine: a stop arm would end it far too early."
    ),
    "signal-already-fired": (
        "The signal has fired, or may have, when the wait is reached (code after a cancel, a deferred function, a method "
        "that stops things): the rewrite would skip the wait."
    ),
    # Exits.
    "stop-exit-differs": (
        "Leaving at the wait would skip something that releases, replies or records, or the loop's own exit on this "
        "signal does more than a return that could be copied."
    ),
    "no-way-to-report-stop": (
        "The function returns values but no error, so it cannot tell its caller that it was stopped."
    ),
    "barrier": "The loop waits for a condition that its caller relies on: returning early would say it holds.",
    # sleep-loop.
    "non-positive-duration": "The duration is a constant that is not positive: the Sleep returns at once, and a ticker would panic.",
    "sleeps-under-lock": "A lock taken in this function is held during the wait. The lock is the problem to solve first.",
    "goto-over-declaration": "A goto jumps over the place where the ticker or timer would be declared, which Go forbids.",
    "sleep-in-post": (
        "The Sleep is the post statement of a for, and the wait cannot move to the end of the body without being skipped "
        "by a continue or naming something else."
    ),
    "sleep-in-header": "The Sleep is the init statement of an if, switch or for, where a select cannot stand.",
    # goroutine-waitgroup.
    "never-ends": "The goroutine has an endless loop, or serves: whoever waited for it would wait for ever.",
    "end-unknown": (
        "Nothing shows that the goroutine comes to an end before the wait for it would: it waits for something that only "
        "happens later, or for somebody else (a peer, a process, a message), or calls what cannot be looked into."
    ),
    "starter-never-returns": "The function that starts the goroutine never comes to its end, so it would never wait.",
    "lock-held-at-wait": (
        "A lock is held where the Wait would stand, and the goroutine takes it, itself or in a function that it calls: each "
        "would wait for the other."
    ),
    "unbuffered-send": (
        "The goroutine sends to a channel that has no room, and somebody may receive only after the wait: each would wait "
        "for the other."
    ),
    "pipe-in-use": (
        "The goroutine works with one end of a pipe, whose other end is used or handed on by its starter: it ends when "
        "somebody reads or closes that, which may be after the wait."
    ),
    "joins-itself": "The goroutine may call the very method that would wait for it, and would wait for itself.",
    "add-races-with-wait": (
        "The method that starts the goroutine may be called when the method that would wait for it already waits: they are "
        "not kept apart by a lock, and a goroutine counted too late is not waited for."
    ),
    "struct-is-copied": (
        "Values of the struct are copied, compared or made without field names somewhere, so it cannot have a group as a "
        "field: a copy would have a group of its own."
    ),
    "other-build-config": (
        "A file that this build configuration leaves out uses what the rewrite would change, and it cannot be checked along."
    ),
    "waits-for-the-group": (
        "The function has a group already, and the goroutine cannot be counted in it: it waits for that group itself, or "
        "is stopped only after its Wait, or the Wait is not reached on every way."
    ),
    "waits-its-own-way": (
        "The function waits for what the goroutine does in a way of its own (a context that the goroutine cancels, a future "
        "that it sets, a deadline), perhaps on purpose not to its end."
    ),
    "written-without-wait": (
        "The goroutine writes what its starter reads without waiting. That is a race already, and a Wait at the end would "
        "come too late: where to wait is for a person to say."
    ),
    "request-handler": (
        "The goroutine is started on behalf of a request, an RPC or an event, and whoever sent that waits for the function "
        "to return."
    ),
    "outlives-starter": (
        "The goroutine is meant to go on when its starter has returned: that is a constructor or a Start by its name, or it "
        "returns or stores what the goroutine works with."
    ),
    "runs-apart": (
        "The goroutine is started apart on purpose: a comment or a name says so, the starter has nothing left to do after "
        "it, or it is a deferred call, a callback, a loop without an end, a delay."
    ),
}
