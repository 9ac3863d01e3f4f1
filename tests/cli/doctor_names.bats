#!/usr/bin/env bats
# Names, time and certificates, against servers on loopback: tests/cli/
# dns_server.py, ntp_server.py and https_server.py.
load helpers

srv='_v2-origintunneld._tcp.argotunnel.com/SRV'
regions=1:1:7844:region1.v2.argotunnel.com,2:1:7844:region2.v2.argotunnel.com
well=(
	"$srv=$regions"
	'protocol-v2.argotunnel.com/TXT=[]' 'cfd-features.argotunnel.com/TXT={}'
	'*/A=127.0.0.1' '*/AAAA=::1'
)

# serve NAME PROGRAM ARGUMENT...: $where is what it prints, its port or its URL.
serve() {
	local name=$1 program=$2
	shift 2
	start "$name" python3 "$top/tests/cli/$program" "$@"
	soon test -s "$work/$name.out"
	where=$(head -n 1 "$work/$name.out")
}

# certificate NAME: $work/cert.pem and $work/key.pem, of its own authority.
certificate() {
	command -v openssl >/dev/null || skip "openssl is not installed"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=Test \
		-addext "subjectAltName=DNS:$1,IP:127.0.0.1" -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
}

# audit CHECK... -- OPTION...: $work/audit is the report as JSON.
audit() {
	local checks=()
	while [ "$1" != -- ]; do
		checks+=("$1")
		shift
	done
	shift
	status=0
	doctor --timeout 1s --json "$work/audit" --quiet "$@" "${checks[@]}" >/dev/null || status=$?
}

# found ID STATUS [WORDS]: what the audit says of a check.
found() {
	python3 - "$work/audit" "$@" <<-'EOF'
	import json, sys
	audit, id, status = sys.argv[1:4]
	check = next(c for c in json.load(open(audit))["checks"] if c["id"] == id)
	assert check["status"] == status, check
	for words in sys.argv[4:]:
	    assert words in check["observed"], check
	EOF
}

@test "dns: a resolver that answers all is ok" {
	serve dns dns_server.py "${well[@]}"
	audit dns -- --resolver "127.0.0.1:$where" --dot 127.0.0.1:1
	found dns.srv ok '2 regions in '
	found dns.addresses ok '1 IPv4 and 1 IPv6'
	found dns.txt ok
	found dns.api ok update.argotunnel.com
	found dns.latency ok
	found dns.dot warn 'not needed'
}

@test "dns: SERVFAIL, NXDOMAIN and silence are told apart" {
	serve dns dns_server.py "$srv=servfail" 'protocol-v2.argotunnel.com/TXT=nxdomain' \
		'cfd-features.argotunnel.com/TXT=drop' '*/A=refused' '*/AAAA=drop'
	audit dns -- --resolver "127.0.0.1:$where" --dot 127.0.0.1:1
	[ "$status" = 1 ]
	found dns.srv fail SERVFAIL
	found dns.txt warn NXDOMAIN 'no answer from 127.0.0.1'
	found dns.addresses fail REFUSED
	found dns.dot fail refused
}

@test "dns: one region is too few, and --region has names of its own" {
	serve dns dns_server.py "_us-v2-origintunneld._tcp.argotunnel.com/SRV=1:1:7844:us-region1.v2.argotunnel.com"
	audit dns.srv dns.addresses -- --region us --resolver "127.0.0.1:$where" --dot 127.0.0.1:1
	found dns.srv fail '1 region in' us-region1.v2.argotunnel.com
	found dns.addresses fail 'us-region1.v2.argotunnel.com'
}

@test "dns: a slow resolver is a warning with the name it was slow for" {
	serve dns dns_server.py 'cfd-features.argotunnel.com/TXT=delay=600,{}' "${well[@]}"
	audit dns.latency -- --resolver "127.0.0.1:$where" --dot 127.0.0.1:1 --timeout 3s
	found dns.latency warn 'TXT cfd-features.argotunnel.com'
}

@test "dns: a truncated answer comes over TCP, a forged one is passed over" {
	serve dns dns_server.py "$srv=truncate,$regions" '*/A=wrongid,127.0.0.1' "${well[@]:1}"
	audit dns.srv dns.addresses -- --resolver "127.0.0.1:$where" --dot 127.0.0.1:1
	found dns.srv ok '2 regions'
	found dns.addresses ok '1 IPv4'
}

@test "dns: the fallback over TLS makes a failing SRV a warning" {
	certificate cloudflare-dns.com
	serve dot dns_server.py --tls "$work/cert.pem" "$work/key.pem" "${well[@]}"
	dot=$where
	serve dns dns_server.py "$srv=servfail" "${well[@]:1}"
	audit dns.srv dns.dot -- --resolver "127.0.0.1:$where" --dot "127.0.0.1:$dot" --cacert "$work/cert.pem"
	found dns.dot ok '2 regions'
	found dns.srv warn SERVFAIL 'over TLS works'
	audit dns.dot -- --resolver "127.0.0.1:$where" --dot "127.0.0.1:$dot"
	found dns.dot fail 'certificate is not accepted'
}

@test "dns: with --edge no name is asked for" {
	audit dns -- --edge 127.0.0.1:7844 --resolver 127.0.0.1:1
	found dns.srv skip
	found dns.api skip
}

@test "time: the offset is measured, judged and told in its direction" {
	serve right ntp_server.py
	audit time.ntp -- --ntp "127.0.0.1:$where"
	found time.ntp ok
	serve ahead ntp_server.py --offset 10
	audit time.ntp -- --ntp "127.0.0.1:$where"
	found time.ntp warn '10.0 s behind'
	serve behind ntp_server.py --offset -120
	audit time.ntp -- --ntp "127.0.0.1:$where"
	found time.ntp fail '120 s ahead'
	[ "$status" = 1 ]
}

@test "time: a forged answer, a kiss-o'-death and a lost clock are no time" {
	serve forged ntp_server.py --forge
	audit time.ntp -- --ntp "127.0.0.1:$where"
	found time.ntp ok
	serve kiss ntp_server.py --kiss RATE
	audit time.ntp -- --ntp "127.0.0.1:$where"
	found time.ntp unknown "kiss-o'-death RATE"
	serve lost ntp_server.py --leap 3
	audit time.ntp -- --ntp "127.0.0.1:$where"
	found time.ntp unknown 'not synchronised'
}

@test "time, ca: the edge's certificate by this clock and by these roots" {
	certificate probe.cftunnel.com
	serve edge https_server.py --tls "$work/cert.pem" "$work/key.pem"
	edge=${where#https://}
	audit time.edge ca.edge -- --edge "$edge" --cacert "$work/cert.pem"
	found time.edge ok 'days left'
	found ca.edge ok "issuer 'Test'"
	cp "$work/cert.pem" "$work/edge.pem"
	certificate probe.cftunnel.com
	audit ca.edge -- --edge "$edge" --cacert "$work/cert.pem"
	found ca.edge fail "'Test'"
}

@test "time: a wrong clock is told by the edge's certificate" {
	command -v faketime >/dev/null || skip "faketime is not installed"
	certificate probe.cftunnel.com
	serve edge https_server.py --tls "$work/cert.pem" "$work/key.pem"
	status=0
	faketime '-2 years' "$ztt_doctor" --timeout 1s --json "$work/audit" --quiet --edge "${where#https://}" \
		time.edge >/dev/null || status=$?
	found time.edge fail 'the clock or the certificate is wrong' 'is not valid before'
}

@test "oidc: a provider over HTTPS, its keys and its token endpoint" {
	certificate localhost
	serve oidc https_server.py --tls "$work/cert.pem" "$work/key.pem" \
		'/.well-known/openid-configuration=200:{"issuer":"@","jwks_uri":"@/jwks","token_endpoint":"@/token"}' \
		'/jwks=200:{"keys":[{"kty":"EC","alg":"ES256","kid":"one","x":"a","y":"b"}]}' \
		'/token=401:{"error":"invalid_client"}'
	audit oidc -- --oidc "$where" --cacert "$work/cert.pem"
	[ "$status" = 0 ]
	found oidc.discovery ok 'DNS ' 'connect ' 'TLS ' 'first byte '
	found oidc.jwks ok '1 key, 1 for signatures: ES256 one'
	found oidc.token ok '401 invalid_client'
	audit oidc.discovery -- --oidc "$where/" --cacert "$work/cert.pem"
	found oidc.discovery fail 'only the slash'
	audit oidc.discovery -- --oidc "$where"
	found oidc.discovery fail certificate
}

@test "oidc: a slow provider is a warning that names what took so long" {
	serve oidc https_server.py --delay 600 \
		'/.well-known/openid-configuration=200:{"issuer":"@","jwks_uri":"@/jwks","token_endpoint":"@/token"}'
	audit oidc.discovery -- --oidc "$where" --timeout 3s
	found oidc.discovery warn 'most of it is first byte'
}

@test "oidc: without --oidc it is skipped" {
	audit oidc -- --offline
	found oidc.discovery skip
}
