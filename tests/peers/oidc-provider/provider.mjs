// An identity provider on loopback: `node provider.mjs [PORT]`. Prints its
// issuer, and ends with its standard input.
import http from "node:http";
import Provider from "oidc-provider";

const server = http.createServer();
await new Promise((listening) =>
	server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", listening));

const issuer = `http://127.0.0.1:${server.address().port}`;
const provider = new Provider(issuer, {
	clients: [{
		client_id: "ztt",
		client_secret: "of-this-test-alone",
		redirect_uris: ["https://app.example/callback"],
	}],
});

server.on("request", provider.callback());
process.stdin.on("end", () => process.exit(0)).resume();
console.log(issuer);
