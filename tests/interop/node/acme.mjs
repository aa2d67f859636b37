// The npm package acme-client against a server: `node acme.mjs` with the answers as one line of JSON on standard output.
// What it is to do is in the environment: DIRECTORY, HTTP_PORT, NAME, KID, HMAC_KEY, and NODE_EXTRA_CA_CERTS for node.
import http from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.env.NODE_PACKAGES, 'index.js'));
const acme = require('acme-client');
const env = process.env;

const files = new Map();
const server = http.createServer((request, response) => {
    const found = files.get(request.url);
    response.writeHead(found ? 200 : 404).end(found ?? '');
});
await new Promise((resolve) => server.listen(Number(env.HTTP_PORT), '127.0.0.1', resolve));

const client = new acme.Client({
    directoryUrl: env.DIRECTORY,
    accountKey: await acme.crypto.createPrivateEcdsaKey(),
    externalAccountBinding: { kid: env.KID, hmacKey: env.HMAC_KEY },
    backoffMin: 500,
    backoffMax: 2000,
});

const told = {};
const [key, csr] = await acme.crypto.createCsr({ altNames: [env.NAME, `two.${env.NAME}`] });
const pem = await client.auto({
    csr,
    email: 'ops@example.com',
    termsOfServiceAgreed: true,
    skipChallengeVerification: true,
    challengePriority: ['http-01'],
    challengeCreateFn: async (authz, challenge, keyAuthorization) => {
        files.set(`/.well-known/acme-challenge/${challenge.token}`, keyAuthorization);
    },
    challengeRemoveFn: async (authz, challenge) => {
        files.delete(`/.well-known/acme-challenge/${challenge.token}`);
    },
});
told.pem = pem.toString();
told.account = client.getAccountUrl();

// Another key for the account, and the account works with it.
await client.updateAccountKey(await acme.crypto.createPrivateEcdsaKey());
const order = await client.createOrder({ identifiers: [{ type: 'dns', value: env.NAME }] });
told.reused = order.status;

// A wildcard is offered dns-01 alone; its authorization is given up.
const wild = await client.createOrder({ identifiers: [{ type: 'dns', value: `*.${env.NAME}` }] });
const [authorization] = await client.getAuthorizations(wild);
told.wildcard = authorization.challenges.map((one) => one.type);
told.deactivated = (await client.deactivateAuthorization(authorization)).status;

await client.revokeCertificate(pem, { reason: 4 });
try {
    await client.revokeCertificate(pem);
    told.again = 'revoked twice';
} catch (error) {
    told.again = error.message;
}
told.closed = (await client.updateAccount({ status: 'deactivated' })).status;
server.close();
console.log(JSON.stringify(told));
