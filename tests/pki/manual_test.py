#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""man/pki.1 is what the table of commands says. KEYWAY_UPDATE=1 writes it anew."""
import os

import kit


class Manual(kit.Case):
    PAGE = os.path.join(kit.ROOT, "man", "pki.1")

    def test_the_page_is_up_to_date(self):
        text = self.ours("--manual").decode()
        if os.environ.get("KEYWAY_UPDATE"):
            with open(self.PAGE, "w") as f:
                f.write(text)
        with open(self.PAGE) as f:
            self.assertEqual(f.read(), text, "run this test with KEYWAY_UPDATE=1")


if __name__ == "__main__":
    kit.main()
