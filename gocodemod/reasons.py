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
    # waitgroup-misuse.
    "done-before-the-end": (
        "Work follows the Done of a WaitGroup, in a goroutine that Wait is not meant to wait for to its end: a barrier. "
        "Deferred, it would be waited for."
    ),
    "counts-items": "Done is called in each round of a loop: the WaitGroup counts items, not goroutines.",
    "done-not-on-every-path": (
        "Some way through the goroutine ends without Done, and it cannot be told whether that is meant, or what else calls "
        "Done then."
    ),
    "done-of-two-groups": "Done of one WaitGroup and of another are called one right behind the other; which comes last?",
    "done-more-than-once": "Done of the same WaitGroup is called by other means too, deferred, by a callee or by its Go method.",
    "group-changes": (
        "The expression that names the WaitGroup is computed, declared or assigned while the goroutine runs, so at its "
        "start, or where it is started, it may name another one or none."
    ),
    "defers-may-block": (
        "The goroutine defers calls that may wait for something, in a place where Done cannot be deferred behind them: Wait "
        "would wait for them too, and could hang."
    ),
    "leaves-an-empty-branch": "Done is all that a branch of an if does, and nothing would be left of it.",
    "add-not-at-start": (
        "Add stands in a branch of the goroutine, or behind something that may keep or end it: moved before the go "
        "statement, it would count goroutines that never call Done, or keep Wait waiting for more than it did."
    ),
    "count-unclear": (
        "Other calls of Add or Done touch the same WaitGroup, so that it is not plain which Done the Add is paired with."
    ),
    "waits-for-the-group": (
        "The goroutine waits for something that comes only after Wait has returned, so waiting for it would be a deadlock."
    ),
    "lock-held-at-wait": "A lock is held while the WaitGroup is waited for, and the goroutine takes it: a deadlock.",
    "copied-further": (
        "The value that is copied comes from another copy, or goes on into one, in a place that cannot be changed along."
    ),
    "adds-to-its-copy": (
        "The goroutine calls Add on a WaitGroup that it is handed by value. Add belongs before the go statement, and "
        "nobody but the author knows what it should count."
    ),
    "changes-its-copy": "The method assigns to fields of its receiver, a copy; by pointer it would change the original.",
    "struct-copied": (
        "A struct that holds a WaitGroup is passed by value, and the WaitGroup is copied with it. Whether the rest should be "
        "shared, too, is for a person to decide."
    ),
    "fixed-together": "The rewrite of another site changes this one with it.",
    # Signatures.
    "exported-api": "The function is exported, or linked to by name: code that cannot be seen may call it as it is.",
    "used-as-value": "The function, or its type, is used as a value somewhere, so its signature is not ours to change.",
    "satisfies-interface": "An interface demands a method of this name, so its signature is not ours to change.",
    "other-build-config": (
        "A file that this build configuration leaves out, or a test that was not loaded, names what would change."
    ),
}
