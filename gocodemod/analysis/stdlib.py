"""What functions outside of the module do with values that they are given, by their documentation.

Their bodies are not looked at (a dependency's are not even loaded), so this is a list, and what is not on it is unknown.
"""

from __future__ import annotations

from gocodemod.analysis import names
from gocodemod.golang.facts import Call

# Packages of the standard library whose functions, but for those below, keep nothing once they have returned but in
# their results and receivers.
_PACKAGES = frozenset(
    {
        "bufio", "bytes", "cmp", "container/heap", "container/list", "container/ring", "context", "crypto/tls",
        "crypto/x509", "database/sql", "errors", "expvar", "flag", "fmt", "html", "io", "io/fs", "io/ioutil", "log",
        "log/slog", "maps", "net", "net/http", "net/http/httptrace", "net/http/httputil", "net/mail", "net/netip",
        "net/smtp", "net/textproto", "net/url", "os", "os/exec", "os/signal", "path", "path/filepath", "reflect",
        "regexp", "runtime/pprof", "runtime/trace", "slices", "sort", "strconv", "strings", "sync", "sync/atomic",
        "testing", "testing/synctest", "time",
    }
)  # fmt: skip
_FAMILIES = ("archive/", "compress/", "encoding/", "hash/", "image/", "math/", "mime/", "text/", "unicode/", "crypto/")
# Nothing is kept, and a call returns when its work is done.
_KEEPS_NOTHING = frozenset(
    {
        "os/signal.NotifyContext",
        "(*golang.org/x/sync/errgroup.Group).Go",
        "(*golang.org/x/sync/errgroup.Group).SetLimit",
        "(*golang.org/x/sync/errgroup.Group).TryGo",
        "(*golang.org/x/sync/errgroup.Group).Wait",
        "(*golang.org/x/sync/semaphore.Weighted).Acquire",
        "(*golang.org/x/time/rate.Limiter).Wait",
        "(*golang.org/x/time/rate.Limiter).WaitN",
        "golang.org/x/sync/errgroup.WithContext",
    }
)
_KEEPS = frozenset(
    {
        "context.AfterFunc",
        "time.AfterFunc",
        "net/http.Handle",
        "net/http.HandleFunc",
        "os/signal.Notify",
        "runtime.AddCleanup",
        "runtime.SetFinalizer",
        "(*os/exec.Cmd).Start",
    }
)
# First words of functions that put what they are given into their receiver, or into something that all share.
_KEEPING = frozenset(
    {
        "add", "append", "cleanup", "handle", "insert", "notify", "push", "put", "register", "reset", "set", "store",
        "swap", "publish", "compare", "load", "link", "var",
    }
)  # fmt: skip
# These run the functions that they are given before they return.
_RUNS_NOW = (
    "bytes.", "maps.", "slices.", "sort.", "strings.", "io/fs.WalkDir", "path/filepath.Walk", "path/filepath.WalkDir",
    "(*sync.Once).Do", "(*testing.B).Run", "(*testing.T).Run", "(*testing.B).RunParallel", "testing.AllocsPerRun",
    "testing/synctest.", "runtime/pprof.Do", "runtime/trace.WithRegion", "(*database/sql.Conn).Raw",
    "(*regexp.Regexp).Replace", "(*sync.Map).Range",
)  # fmt: skip
# Documented: the context ends the call, not what the call gives.
_FREES = frozenset(
    {
        "context.WithoutCancel",
        "(*database/sql.DB).Conn",
        "(*database/sql.DB).ExecContext",
        "(*database/sql.DB).PrepareContext",
        "(*database/sql.Conn).ExecContext",
        "(*database/sql.Conn).PrepareContext",
        "(*database/sql.Stmt).ExecContext",
        "(*database/sql.Tx).ExecContext",
        "(*database/sql.Tx).PrepareContext",
    }
)


def keeps(call: Call) -> str:
    """``never`` if the call keeps nothing but in its results, ``always`` if it does, ``unknown`` otherwise."""
    package, last = package_of(call), call.name.rsplit(".", 1)[-1]
    if call.name in _KEEPS_NOTHING:
        return "never"
    if call.name in _KEEPS:
        return "always"
    if not (package in _PACKAGES or package.startswith(_FAMILIES)):
        return "unknown"
    return "always" if names.first_word(last) in _KEEPING else "never"


def runs_now(call: Call) -> bool:
    """Whether the call runs the functions it is given before it returns, and keeps none."""
    return call.name.startswith(_RUNS_NOW)


def frees(call: Call) -> bool:
    """Whether the call's results no longer depend on the context that it is given."""
    return call.name in _FREES


def package_of(call: Call) -> str:
    """``net/http`` of ``(*net/http.Client).Do`` and ``net/http.Get``."""
    name = call.name
    if name.startswith("("):
        name = name[1:].lstrip("*").partition(")")[0].partition("[")[0]
    return name.rpartition(".")[0]
