"""What sort of file a path is of."""

from __future__ import annotations

import pytest

from indexer.search.file_kinds import FileKind, file_kind


@pytest.mark.parametrize(
    "path",
    [
        *("testcases/t/201-config-parser.t", "lib/t/load.t", "unit_tests/a.cc", "testsuite/run.c", "selftests/vm.c"),
        *("app/e2e/login.ts", "src/test/java/A.java", "src/CartTests.cs", "pkg/load_test.go", "spec/cart_spec.rb"),
        *("ci/src/integration_tests/hook.py", "Cart.Tests/Fakes.cs", "Tests/Cart.swift", "src/androidTest/kotlin/A.kt"),
    ],
)
def test_tests_are_known_by_their_folders_and_names(path: str) -> None:
    assert file_kind(path) is FileKind.TEST


@pytest.mark.parametrize(
    "path",
    ["src/latest/a.c", "attest/key.go", "contest.py", "lib/protest/x.rb", "testimony/a.py", "a.ts", "lib/latest/a.kt"],
)
def test_names_that_end_or_begin_alike_are_source(path: str) -> None:
    assert file_kind(path) is FileKind.SOURCE


@pytest.mark.parametrize(
    "path",
    [
        "share/translations/app_de.ts",
        "locales/pt-BR.json",
        "localization/fr_FR/labels.inc",
        "config/locales/web.de.yml",
        "lang/de_informal/errors.php",
        "public/locales/fr/common.json",
        "core/langs/translation-pt.json",
    ],
)
def test_translations_are_data(path: str) -> None:
    assert file_kind(path) is FileKind.DATA


@pytest.mark.parametrize(
    "path",
    [
        "share/translations/app_en.ts",
        "locales/en-GB.json",
        "localization/en_US/labels.inc",
        "config/locales/en.yml",
        "lang/en/errors.php",
        "public/locales/en/common.json",
        "src/lang/lexer.ts",
        "src/i18n/index.ts",
        "app/locale/loader.php",
        "lib/translation.py",
        "locales/Makefile",
        "i18n/de/read.py",
    ],
)
def test_english_texts_and_what_reads_translations_are_source(path: str) -> None:
    assert file_kind(path) is FileKind.SOURCE
