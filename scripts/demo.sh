#!/usr/bin/env bash
# The main job, end to end: events, the shipped policies compiled to a bundle, decisions, a look at them;
# then the same events enforced, with a ledger in a file, and the story of one account.
#
#   scripts/demo.sh CLAUSAL [FOLDER]     the executable to use; where to write, build/demo unless told
#
# It uses nothing of this repository but the executable, so that an installed wheel can be shown too.
set -euo pipefail

clausal=$(realpath -s "${1:?which clausal executable?}")
out=${2:-build/demo}
mkdir -p "$out"
cd "$out"

heading() {
    printf '\n== %s\n' "$1"
}

# The policies that came with this installation, wherever it is.
python=$(dirname "$clausal")/python
policies=$("$python" -P -c 'from importlib.resources import files; print(files("clausal.policies"))')

heading "events: a small platform, seed 7"
"$clausal" generate --profile S --seed 7 --truth truth.ndjson \
    --ladder cn.self_media_traffic.fabrication -o events.ndjson

heading "policies: checked and compiled"
"$clausal" compile "$policies" -o policies.clausal

heading "decisions"
"$clausal" run policies.clausal events.ndjson -o decisions.ndjson

# Up to three events whose decisions name different sanctions, each in a file of its own. Decisions
# come in the order of their events.
pick='
import json, pathlib
seen = set()
events = pathlib.Path("events.ndjson").read_text(encoding="utf-8").splitlines()
decisions = pathlib.Path("decisions.ndjson").read_text(encoding="utf-8").splitlines()
for event, decision in zip(events, decisions, strict=True):
    sanctions = frozenset(measure["sanction"] for measure in json.loads(decision)["measures"])
    if sanctions and sanctions not in seen and len(seen) < 3:
        seen.add(sanctions)
        pathlib.Path(f"example-{len(seen)}.json").write_text(event, encoding="utf-8")
'
rm -f example-*.json
"$python" -P -c "$pick"
for example in example-*.json; do
    heading "why: $example"
    "$clausal" explain policies.clausal "$example"
done

# Enforced anew each time: what a ledger holds already is not done twice.
rm -f record.db* measures.ndjson*
heading "enforced: a ledger of what was found and done, and measures for the platform"
"$clausal" enforce --bundle policies.clausal --ledger record.db --deliver measures.ndjson \
    --no-progress events.ndjson
"$clausal" ledger verify --ledger record.db

# Somebody whose account was measured.
account=$("$python" -P -c '
import json
for line in open("measures.ndjson", encoding="utf-8"):
    target = json.loads(line).get("target", {})
    if target.get("kind") == "account":
        print("account:" + target["id"])
        break
')
heading "the story of $account"
"$clausal" ledger show "$account" --ledger record.db

heading "written to $PWD"
wc -c -- *.ndjson *.clausal *.db
