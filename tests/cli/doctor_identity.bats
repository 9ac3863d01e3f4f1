#!/usr/bin/env bats
# The checks of an identity provider against a real one: the certified
# oidc-provider of tests/peers/oidc-provider, after `npm install` there.
load helpers

@test "oidc: a certified provider is found fit" {
	peer=$top/tests/peers/oidc-provider
	command -v node >/dev/null || skip "node is not installed"
	[ -d "$peer/node_modules/oidc-provider" ] || skip "oidc-provider is not installed: npm install --prefix tests/peers/oidc-provider"
	mkfifo "$work/life"
	start provider bash -c 'exec node "$0" 0 <"$1"' "$peer/provider.mjs" "$work/life"
	exec 4>"$work/life"
	soon grep -q '^http' "$work/provider.out"
	issuer=$(head -n 1 "$work/provider.out")
	doctor --json "$work/audit" --quiet --oidc "$issuer" oidc >/dev/null 4>&-
	exec 4>&-
	python3 - "$work/audit" "$issuer" <<-'EOF'
	import json, sys
	checks = {c["id"]: c for c in json.load(open(sys.argv[1]))["checks"]}
	for id in ("oidc.discovery", "oidc.jwks", "oidc.token"):
	    print(id, checks[id]["status"], checks[id]["observed"])
	    assert checks[id]["status"] in ("ok", "warn"), checks[id]
	assert "1 for signatures: RS256 " in checks["oidc.jwks"]["observed"]
	assert "400 invalid_request" in checks["oidc.token"]["observed"]
	EOF
}
