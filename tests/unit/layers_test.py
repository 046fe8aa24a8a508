"""The layer check finds what it is there to find."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
import check_layers  # noqa: E402


class LayersTest(unittest.TestCase):
    def found(self, name, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / name
            path.parent.mkdir(parents=True)
            path.write_text(text, encoding="utf-8")
            return [line.removeprefix(folder + "/") for line in check_layers.check(pathlib.Path(folder))]

    def test_lets_the_arrows_pass(self):
        self.assertEqual([], self.found("http/a.cc", '#include "http/a.h"\n#include "service/b.h"\n#include <string>\n'))

    def test_refuses_what_goes_left_or_sideways(self):
        self.assertEqual(
            ['store/a.cc:2: store may not include "http/b.h" (only base, format, model, net, vsphere)'],
            self.found("store/a.cc", '\n#include "http/b.h"\n'),
        )
        self.assertEqual(1, len(self.found("base/a.h", '#  include "model/b.h"\n')))
        self.assertEqual(1, len(self.found("http/api/a.cc", '#include "store/b.h"\n')))

    def test_keeps_foreign_headers_in_their_folders(self):
        self.assertEqual(["http/a.cc:1: <sqlite3.h> stays in store"], self.found("http/a.cc", "#include <sqlite3.h>\n"))
        self.assertEqual([], self.found("store/a.cc", "#include <soci/soci.h>\n"))
        self.assertEqual(1, len(self.found("store/a.cc", "#include <boost/beast/core.hpp>\n")))
        self.assertEqual(1, len(self.found("http/a.cc", "#include <boost/beast/http.hpp>\n")))
        self.assertEqual([], self.found("net/a.cc", "#include <boost/beast/http.hpp>\n"))

    def test_keeps_who_may_what_in_one_file(self):
        text = "if (caller.identity.is_admin) return;\n"
        self.assertEqual(
            ["service/a.cc:1: is_admin is for service/policy.cc to ask"], self.found("service/a.cc", text)
        )
        self.assertEqual(1, len(self.found("http/api/a.cc", 'if (identity.has_role("x")) return;\n')))
        self.assertEqual([], self.found("service/policy.cc", text))
        self.assertEqual([], self.found("http/api/front.cc", text))

    def test_wants_paths_from_the_root(self):
        self.assertEqual(1, len(self.found("net/a.cc", '#include "a.h"\n')))
        self.assertEqual(1, len(self.found("net/a.cc", '#include "../base/a.h"\n')))
        self.assertEqual(1, len(self.found("net/a.cc", "#include <base/a.h>\n")))
        self.assertEqual(1, len(self.found("other/a.cc", "")))


if __name__ == "__main__":
    unittest.main()
