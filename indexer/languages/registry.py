"""The languages: one row each, from extension, file name or interpreter to the grammar and query that find symbols.

A row whose `grammar` is set has symbols: it needs queries/<name>.scm and a golden sample in
tests/data/languages/<name>/. A row without one gives a file its language's name; its text becomes region chunks.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

PLAIN_TEXT = "text"
"""The language of a file that no row, shebang or modeline claims."""


@dataclass(frozen=True, slots=True)
class Language:
    """One language.

    `grammar` names the tree-sitter grammar. `extensions` carry no dot and are lower case; `filenames` are whole names
    or globs; `interpreters` are the programs of a shebang line, version digits left out; `aliases` are the other names
    that editors' modelines use. `separator` joins a qualified name, `method_separator` the last step to a member. With
    `has_clauses`, definitions of one name that follow each other are one.
    `test_name` is a regular expression: functions and methods whose names it finds are tests. What `blank` matches,
    another one, with ^ and $ at every line and a line feed before the first, is blank to the grammar: lines that only
    the preprocessor makes sense of, and nesting that its scanner can't hold.
    """

    name: str
    grammar: str = ""
    extensions: tuple[str, ...] = ()
    filenames: tuple[str, ...] = ()
    interpreters: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    separator: str = "."
    method_separator: str = ""
    has_clauses: bool = False
    test_name: str = ""
    blank: str = ""

    @property
    def has_symbols(self) -> bool:
        """Whether a grammar and a query find symbols in this language."""
        return bool(self.grammar)


_EXTERN_C = (
    r'#[ \t]*if(?:def[ \t]+|[ \t]+defined[ \t]*\(?[ \t]*)__cplusplus\b.*\n\s*(?:extern[ \t]*"C"[ \t]*\{|\}).*\n'
    r"\s*#[ \t]*endif.*"
)
"""The two guarded blocks that open and close `extern "C" {` for C++ alone: the grammars want braces within a block."""

_BEGIN_END = r"[A-Z_]*(?:BEGIN|END)(?:_[A-Z0-9_]*)?(?:\([^()\n]*\))?[ \t]*\r?$(?!\s*[}=,|&+;)\]?:])"
"""A macro alone on its line that begins or ends something (`FMT_BEGIN_EXPORT`), not the last member of an enum."""

_EXPORT = (
    r"[A-Z][A-Z0-9_]*(?:API_?|CALL|CONSTEXPR|DECL|DEPRECATED|EXPORTS?|EXTERN|FUNC|INLINE|NODISCARD|PUBFUN|PUBLIC|PUBVAR)"
    r"(?:_?[0-9][0-9_]*)?(?:\([^()\n]*\))?(?=[ \t]+[A-Za-z_]\w*[ \t*&]+[A-Za-z_])"
)
"""A macro before a declaration's type that says who may link to it (`UV_EXTERN int uv_run(…)`)."""

_DEEP_YAML = r"(?:[-?] +){64,}|^ {200,}.*"
_DEEP_MARKDOWN = r"(?:> ?|(?:[-*+]|\d{1,9}[.)]) +){64,}|^[ \t]{200,}.*"
_DEEP_KOTLIN = r'(?:"\$\{\s*){64,}'
"""Nesting beyond what a person writes: these scanners write past the end of their state, which has 1,024 bytes."""

_C_BLANK = rf"\n[ \t]*(?:{_EXTERN_C}|{_BEGIN_END}|{_EXPORT})"
"""Starts with a character, which the regular expression engine finds far sooner than the start of a line."""

_ROWS = (
    Language(
        "python",
        "python",
        ("py", "pyi", "pyw"),
        ("SConstruct", "SConscript"),
        ("python", "pypy"),
        test_name="^test(_|$)",
    ),
    Language("javascript", "javascript", ("js", "mjs", "cjs", "es6"), ("Jakefile",), ("node", "nodejs", "deno", "bun")),
    Language("jsx", "javascript", ("jsx",), aliases=("javascriptreact",)),
    Language("typescript", "typescript", ("ts", "mts", "cts"), (), ("ts-node", "tsx")),
    Language("tsx", "tsx", ("tsx",), aliases=("typescriptreact",)),
    Language(
        "go",
        "go",
        ("go",),
        aliases=("golang",),
        test_name="^(Test|Benchmark|Fuzz|Example)([^a-z]|$)",
    ),
    Language("rust", "rust", ("rs",), (), ("rust-script",), separator="::"),
    Language("java", "java", ("java",), (), ("jbang",)),
    Language("c", "c", ("c", "h"), blank=_C_BLANK),
    Language(
        "cpp",
        "cpp",
        ("cc", "cpp", "cxx", "c++", "hpp", "hh", "hxx", "h++", "ipp", "ixx", "cppm", "inl", "tcc", "cu", "cuh", "ino"),
        aliases=("c++",),
        separator="::",
        blank=_C_BLANK,
    ),
    Language("csharp", "csharp", ("cs", "csx"), aliases=("c#", "cs")),
    Language("kotlin", "kotlin", ("kt", "kts"), aliases=("kt",), blank=_DEEP_KOTLIN),
    Language("scala", "scala", ("scala", "sc", "sbt"), (), ("scala",)),
    Language("swift", "swift", ("swift",), (), ("swift",), test_name="^test([A-Z0-9_]|$)"),
    Language(
        "php",
        "php",
        ("php", "phtml", "php5", "php7", "php8"),
        (),
        ("php",),
        separator="::",
        test_name="^test([A-Z0-9_]|$)",
    ),
    Language(
        "ruby",
        "ruby",
        ("rb", "rake", "gemspec", "ru", "rbi", "podspec", "jbuilder"),
        ("Rakefile", "Gemfile", "Guardfile", "Vagrantfile", "Podfile", "Fastfile", "Brewfile", "Capfile", "Dangerfile"),
        ("ruby", "jruby", "rake"),
        separator="::",
        method_separator="#",
        test_name="^test_",
    ),
    Language("lua", "lua", ("lua", "rockspec"), (), ("lua", "luajit"), method_separator=":"),
    Language(
        "bash",
        "bash",
        ("sh", "bash", "zsh", "ksh", "bats", "ebuild"),
        ("PKGBUILD", "APKBUILD", ".bashrc", ".bash_profile", ".profile", ".zshrc", ".zprofile", ".envrc"),
        ("sh", "bash", "zsh", "ksh", "dash", "ash", "bats"),
        ("shell", "shell-script"),
        separator="::",
    ),
    Language("elixir", "elixir", ("ex", "exs"), ("mix.lock",), ("elixir",), has_clauses=True),
    Language("haskell", "haskell", ("hs", "hs-boot"), (), ("runhaskell", "runghc", "stack"), has_clauses=True),
    Language("zig", "zig", ("zig", "zon")),
    Language("dart", "dart", ("dart",), (), ("dart",)),
    Language("julia", "julia", ("jl",), (), ("julia",)),
    Language("r", "r", ("r", "rprofile"), (".Rprofile",), ("rscript",), separator="$"),
    Language(
        "perl",
        "perl",
        ("pl", "pm", "t", "psgi"),
        ("cpanfile", "Rexfile"),
        ("perl",),
        separator="::",
        test_name="^test_",
    ),
    Language("objc", "objc", ("m", "mm"), aliases=("objective-c", "objc++"), test_name="^test[A-Z0-9_]"),
    Language("ocaml", "ocaml", ("ml",), (), ("ocaml",), ("tuareg",)),
    Language("ocaml_interface", "ocaml_interface", ("mli",)),
    Language("clojure", "clojure", ("clj", "cljs", "cljc", "edn", "bb"), (), ("bb", "clojure"), separator="/"),
    Language(
        "erlang",
        "erlang",
        ("erl", "hrl", "escript"),
        ("rebar.config",),
        ("escript",),
        separator=":",
        has_clauses=True,
        test_name="_test_?$",
    ),
    Language("sql", "sql", ("sql", "ddl", "dml", "pgsql", "psql", "mysql")),
    Language("protobuf", "proto", ("proto",), aliases=("proto",)),
    Language("terraform", "hcl", ("tf", "tfvars", "hcl"), (".terraform.lock.hcl",), (), ("hcl",)),
    Language(
        "dockerfile", "dockerfile", ("dockerfile", "containerfile"), ("Dockerfile", "Dockerfile.*", "Containerfile")
    ),
    Language(
        "make",
        "make",
        ("mk", "mak"),
        ("Makefile", "makefile", "GNUmakefile", "Makefile.*"),
        ("make",),
        ("makefile",),
        separator=" ",
    ),
    Language("css", "css", ("css",), separator=" "),
    Language("scss", "scss", ("scss",), separator=" "),
    Language("html", "html", ("html", "htm", "xhtml"), separator=" "),
    Language(
        "markdown",
        "markdown",
        ("md", "markdown", "mdown", "mkd", "mdx", "qmd", "rmd"),
        separator=" > ",
        blank=_DEEP_MARKDOWN,
    ),
    Language("toml", "toml", ("toml",), ("Cargo.lock", "poetry.lock", "uv.lock", "Pipfile")),
    Language(
        "yaml", "yaml", ("yml", "yaml", "cff"), (".clang-format", ".clang-tidy"), aliases=("yml",), blank=_DEEP_YAML
    ),
    Language(
        "json",
        "json",
        ("json", "jsonc", "json5", "webmanifest", "geojson", "jsonl"),
        (".babelrc", ".eslintrc", ".prettierrc", "composer.lock", "flake.lock", "Pipfile.lock"),
    ),
    Language("notebook", "json", ("ipynb",)),
    Language("asciidoc", extensions=("adoc", "asciidoc")),
    Language("astro", extensions=("astro",)),
    Language("awk", extensions=("awk",), interpreters=("awk", "gawk", "mawk")),
    Language("batch", extensions=("bat", "cmd")),
    Language("cmake", extensions=("cmake",), filenames=("CMakeLists.txt",)),
    Language("crystal", extensions=("cr",), interpreters=("crystal",)),
    Language("csv", extensions=("csv", "tsv")),
    Language("cython", extensions=("pyx", "pxd", "pxi")),
    Language("d", extensions=("d", "di")),
    Language("emacs-lisp", extensions=("el",)),
    Language("fish", extensions=("fish",), interpreters=("fish",)),
    Language("fortran", extensions=("f", "f77", "f90", "f95", "f03", "f08", "for")),
    Language("fsharp", extensions=("fs", "fsi", "fsx")),
    Language("gdscript", extensions=("gd",)),
    Language("glsl", extensions=("glsl", "vert", "frag", "comp", "geom")),
    Language("go-module", filenames=("go.mod", "go.work")),
    Language("graphql", extensions=("graphql", "gql", "graphqls")),
    Language("groovy", extensions=("groovy", "gradle"), filenames=("Jenkinsfile",), interpreters=("groovy",)),
    Language("ini", extensions=("ini", "cfg", "conf", "properties", "editorconfig"), filenames=(".gitconfig",)),
    Language("latex", extensions=("tex", "sty", "cls", "bib")),
    Language("lisp", extensions=("lisp", "lsp", "cl")),
    Language("matlab"),
    Language("nim", extensions=("nim", "nims")),
    Language("nix", extensions=("nix",)),
    Language("pascal", extensions=("pas", "dpr")),
    Language("powershell", extensions=("ps1", "psm1", "psd1"), interpreters=("pwsh",)),
    Language("prisma", extensions=("prisma",)),
    Language("racket", extensions=("rkt",)),
    Language("restructuredtext", extensions=("rst", "rest")),
    Language("sass", extensions=("sass", "less", "styl")),
    Language("scheme", extensions=("scm", "ss")),
    Language("solidity", extensions=("sol",)),
    Language("starlark", extensions=("bzl", "star"), filenames=("BUILD", "BUILD.bazel", "WORKSPACE", "Tiltfile")),
    Language("svelte", "typescript", ("svelte",)),
    Language("tcl", extensions=("tcl",), interpreters=("tclsh", "wish")),
    Language("thrift", extensions=("thrift",)),
    Language("verilog", extensions=("v", "sv", "svh")),
    Language("vhdl", extensions=("vhd", "vhdl")),
    Language("vim", extensions=("vim",), filenames=(".vimrc",), aliases=("vimscript",)),
    Language("vue", "typescript", ("vue",)),
    Language("xml", extensions=("xml", "xsd", "xsl", "xslt", "svg", "plist", "csproj", "vcxproj", "props", "pom")),
    Language(PLAIN_TEXT, extensions=("txt", "text", "log")),
)

LANGUAGES: dict[str, Language] = {row.name: row for row in _ROWS}


def load_query(language: str) -> str:
    """Return the text of a language's query, with what it inherits in place of a line `; inherits: a, b`.

    Raises FileNotFoundError when the package lacks the file.
    """
    text = files("indexer.languages").joinpath("queries", f"{language}.scm").read_text(encoding="utf-8")
    lines: list[str] = []
    for line in text.splitlines():
        lines.append(line)
        if line.startswith("; inherits:"):
            lines[-1:] = [load_query(base.strip()) for base in line.removeprefix("; inherits:").split(",")]
    return "\n".join(lines) + "\n"
