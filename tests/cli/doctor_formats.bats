#!/usr/bin/env bats
# ztt-doctor --format and --json: each is read by a consumer of its own.
load helpers

# A host that fails, warns, is fine and is unknown in something.
sick() {
	golden_host misconfigured-connector
}

# as FORMAT [ARGUMENT...]: the report in $work/out, $status is its end.
as() {
	local format=$1
	shift
	status=0
	doctor --root "$host" --format "$format" "$@" >"$work/out" || status=$?
}

@test "doctor: --json is valid by its schema, on every golden host" {
	local one
	for one in "$top"/tests/golden/doctor/*.host; do
		one=${one##*/}
		golden_host "${one%.host}"
		doctor --root "$host" --json - >"$work/out" || [ $? = 1 ]
		python3 -W ignore - "$work/out" "$top/common/schema/ztt-doctor-1.json" <<-'EOF'
		import json, sys, jsonschema
		d = json.load(open(sys.argv[1]))
		jsonschema.validate(d, json.load(open(sys.argv[2])))
		assert sum(d["counts"].values()) == len(d["checks"])
		assert len({c["id"] for c in d["checks"]}) == len(d["checks"])
		EOF
	done
}

@test "doctor: --format json and --json - say the same" {
	sick
	as json
	[ "$status" = 1 ]
	doctor --root "$host" --json - >"$work/json" || [ $? = 1 ]
	[ "$(grep -v took_ms "$work/out")" = "$(grep -v took_ms "$work/json")" ]
}

@test "doctor: JUnit is XML whose sums are right" {
	sick
	as junit
	[ "$status" = 1 ]
	doctor --root "$host" --json "$work/json" >/dev/null || [ $? = 1 ]
	python3 - "$work/out" "$work/json" <<-'EOF'
	import json, sys, xml.etree.ElementTree as tree
	root = tree.parse(sys.argv[1]).getroot()
	counts = json.load(open(sys.argv[2]))["counts"]
	cases = root.findall("testsuite/testcase")
	assert root.tag == "testsuites" and len(cases) == int(root.get("tests")) == sum(counts.values())
	for key, tag, status in (("failures", "failure", "fail"), ("errors", "error", "unknown"), ("skipped", "skipped", "skip")):
	    sums = sum(int(s.get(key)) for s in root.findall("testsuite"))
	    assert sums == len(root.findall(f"testsuite/testcase/{tag}")) == counts[status], key
	assert len(root.findall("testsuite/testcase/system-out")) == counts["warn"]
	for suite in root.findall("testsuite"):
	    assert {c.get("classname") for c in suite} == {suite.get("name")}
	EOF
}

@test "doctor: prove agrees with the exit status" {
	command -v prove >/dev/null || skip "no prove"
	sick
	as tap
	[ "$status" = 1 ]
	run -1 prove -e cat "$work/out"
	as tap udp.rmem_max --strict
	[ "$status" = 1 ]
	run -1 prove -e cat "$work/out"
	golden_host healthy-server
	as tap
	[ "$status" = 0 ]
	run -0 prove -e cat "$work/out"
	as tap egress
	[ "$status" = 3 ]
	run prove -e cat "$work/out"
	[ "$status" != 0 ]
	[[ $output == *"nothing could be determined"* ]]
}

# promtool is in Debian's package prometheus; without it the form is checked
# here.
@test "doctor: Prometheus text is as the collector reads it" {
	sick
	as prometheus
	[ "$status" = 1 ]
	python3 - "$work/out" <<-'EOF'
	import re, sys
	types, seen = {}, set()
	for line in open(sys.argv[1]):
	    if line.startswith("# TYPE "):
	        types[line.split()[2]] = line.split()[3]
	    elif not line.startswith("# HELP "):
	        m = re.fullmatch(r'([a-z_]+)(\{[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\})? [0-9]+(\.[0-9]+)?\n', line)
	        assert m and types[m[1]] == "gauge", line
	        key = (m[1], m[2])
	        assert key not in seen, line
	        seen.add(key)
	EOF
	if command -v promtool >/dev/null; then
		promtool check metrics <"$work/out"
	fi
}

@test "doctor: Nagios has one line, performance data and its own exit status" {
	sick
	as nagios
	[ "$status" = 2 ]
	head -n 1 "$work/out" | grep -Eq '^DOCTOR CRITICAL - [^|]*\|fail=[0-9]+;;0;0;[0-9]+ warn=[0-9]+;0;;0;[0-9]+ ok=[0-9]+ unknown=[0-9]+ skip=[0-9]+$'
	[ "$(grep -c '|' "$work/out")" = 1 ]
	as nagios udp.wmem_max
	[ "$status" = 1 ]
	as nagios udp.wmem_max --strict
	[ "$status" = 2 ]
	as nagios egress
	[ "$status" = 3 ]
	golden_host healthy-server
	as nagios udp.rmem_max
	[ "$status" = 0 ]
	as nagios no.such_check
	[ "$status" = 3 ]
	as nagios --no-such-option
	[ "$status" = 3 ]
	as text no.such_check
	[ "$status" = 2 ]
}

# The parts of the OASIS schema that a consumer relies on.
@test "doctor: SARIF has a rule for each check and a result for each finding" {
	sick
	as sarif
	[ "$status" = 1 ]
	doctor --root "$host" --json "$work/json" >/dev/null || [ $? = 1 ]
	python3 -W ignore - "$work/out" "$work/json" <<-'EOF'
	import json, sys, jsonschema
	log, checks = json.load(open(sys.argv[1])), json.load(open(sys.argv[2]))["checks"]
	text = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
	jsonschema.validate(log, {
	    "type": "object", "required": ["version", "runs"], "properties": {"version": {"const": "2.1.0"}, "runs": {"type": "array", "items": {
	    "required": ["tool", "results", "invocations"], "properties": {
	        "tool": {"required": ["driver"], "properties": {"driver": {"required": ["name", "version", "rules"], "properties": {
	            "rules": {"type": "array", "items": {"required": ["id", "shortDescription", "help"], "properties": {
	                "shortDescription": text, "fullDescription": text, "help": text}}}}}}},
	        "invocations": {"items": {"required": ["executionSuccessful"]}},
	        "results": {"items": {"required": ["ruleId", "ruleIndex", "level", "message", "locations"], "properties": {
	            "level": {"enum": ["error", "warning", "note"]}, "message": text}}}}}}}})
	run = log["runs"][0]
	rules = [r["id"] for r in run["tool"]["driver"]["rules"]]
	assert rules == [c["id"] for c in checks]
	level = {"fail": "error", "warn": "warning", "unknown": "note"}
	assert [(r["ruleId"], r["level"]) for r in run["results"]] == [(c["id"], level[c["status"]]) for c in checks if c["status"] in level]
	assert all(rules[r["ruleIndex"]] == r["ruleId"] for r in run["results"])
	EOF
}

@test "doctor: no format has an escape or a control character" {
	local name
	sick
	for name in $(sed -nE 's/^ZTT_FORMAT\(([a-z]+),.*/\1/p' "$top/ztt-doctor/report/formats.def"); do
		as "$name" --verbose
		[ -s "$work/out" ]
		if LC_ALL=C grep -n -P '[\x00-\x09\x0b-\x1f\x7f]' "$work/out"; then return 1; fi
	done
}

@test "doctor: text is as wide as COLUMNS, without trailing blanks, the verdict last" {
	sick
	COLUMNS=70 doctor --root "$host" --verbose >"$work/out" || [ $? = 1 ]
	[ -z "$(grep -n ' $' "$work/out")" ]
	tail -n 1 "$work/out" | grep -q '^not fit to carry a tunnel: '
	sed '$d' "$work/out" | awk 'length > 70 && NF > 2 {print; bad = 1} END {exit bad}'
}
