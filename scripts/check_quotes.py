"""Hold every clause that a policy quotes against the text of its notice.

Usage: `python scripts/check_quotes.py NOTICES POLICY...`, where NOTICES is a folder with the notices by
the names that the policies give them. They are not part of the repository. `clausal.notices` says what
may differ. A notice in traditional characters is passed over where OpenCC is not installed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from clausal.compiler.pipeline import compile_paths
from clausal.notices import read_notices


def main() -> int:
    """Print the quotes that are not in their notices; return 1 if there is one."""
    folder, *policies = map(Path, sys.argv[1:])
    corpus = compile_paths(policies).corpus
    names = {version.notice for version in corpus.versions}
    notices = {
        name: notice for name, notice in read_notices(folder, names).items() if not notice.unread
    }
    for name in sorted(names - set(notices)):
        print(f"passed over: {name or 'policies without a notice'}")
    wrong = held = 0
    for clause in corpus.clauses:
        version = corpus.versions[clause.version]
        notice = notices.get(version.notice)
        if notice is None:
            continue
        held += 1
        if notice.find(clause.quote) is None:
            wrong += 1
            name = f"{version.policy} clause {clause.id}"
            print(f"not in {version.notice}: {name}: {clause.quote}")
    print(f"{held:,} quotes held against their notices, {wrong:,} not in them")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
