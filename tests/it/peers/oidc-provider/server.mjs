// A real OpenID provider for the tests: node-oidc-provider on loopback, driven over stdin and stdout.
//
// argv[2] is a JSON object (all members optional):
//   port              where to listen; 0: the kernel chooses
//   keys              private JWKs with kid and alg; absent: one each for RS256, ES256 and EdDSA is made
//   sign_with         kids to sign with, at most one per algorithm; absent: the first key of each algorithm
//   access_token_ttl  in seconds
//   session_claims    what users' access tokens say of their session: any of "sid" and "auth_time"; absent: nothing
//   client_keys       public JWKs of `signing-app`, which is `web-app` with private_key_jwt; absent: there is no such client
//   grace             in milliseconds: how long a refresh token can be used again after its first use; absent: its second use
//                     ends the grant
//
// The first line on stdout is {"ready": true, "port", "issuer", "keys"}. Then each line on stdin is a command with an
// `id` and a `do`, and each is answered by one line with the same `id` and either `result` or `error`:
//   generate {alg, kid}             -> a new private JWK; it is not published yet
//   keys     {publish, sign_with}   -> replaces the published keys and the signing keys at once, in the running provider
//   counts   {}                     -> requests so far, per path
//   fail     {path, mode}           -> how that path answers: "ok", "error" (500) or "hang" (never)
//   plan     {path, faults}         -> what happens to the next requests there, one after the other, as a proxy in front of the
//                                      provider could make it happen; after them all is well again:
//                                      "ok"
//                                      "reset", "hang"                    before the provider sees the request
//                                      "held"                             before, until "release"
//                                      {status, headers, body}            instead of the provider
//                                      "reset_after", "hang_after"        the provider has answered, and nobody hears of it
//                                      "held_after"                       the provider has answered; the answer waits for "release"
//                                      {after: {status, headers, body}}   instead of the answer that the provider gave
//                                      {late: n}                          that answer, n milliseconds later
//                                      {truncate: n}                      the first n bytes of that answer, under its whole length
//                                      {without: name}                    that answer without a member
//   held     {}                     -> how many requests wait for "release"
//   release  {}                     -> lets them go on
//   post     {path, client, form}   -> {status, body} of a form posted with the client's secret
//   authorize {client, account, scope, resource} -> {code, redirect_uri, code_verifier} of an authorization request with PKCE
//   (a resource that ends in /opaque gets opaque access tokens)
//   login    {client, account, scope, resource} -> the token response of a whole authorization code flow with PKCE
//
// It ends when stdin closes, so that no test leaves a process behind.

import { createHash, generateKeyPair, randomBytes } from 'node:crypto';
import { createServer, request as httpRequest } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { inspect, promisify } from 'node:util';
import { Provider } from 'oidc-provider';

// stdout carries the protocol and nothing else; the provider's own notices are for stderr.
console.log = console.info = console.warn = console.error;

const HOST = '127.0.0.1';
const REDIRECT_URI = 'https://app.example.test/callback';
const API_SCOPE = 'read write admin';
const OIDC_SCOPE = 'openid offline_access';
const config = JSON.parse(process.argv[2] ?? '{}');
const accessTokenTTL = config.access_token_ttl ?? 600;

// A client's ID-token algorithm is also the one of its access tokens, so the choice of client chooses the algorithm.
const machine = (algorithm) => ({
  client_id: `machine-${algorithm.toLowerCase()}`,
  client_secret: `machine-${algorithm.toLowerCase()}-secret`,
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
  token_endpoint_auth_method: 'client_secret_post',
  id_token_signed_response_alg: algorithm,
  scope: API_SCOPE,
});
const clients = [
  ...['RS256', 'ES256', 'EdDSA'].map(machine),
  {
    client_id: 'web-app',
    client_secret: 'web-app-secret',
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: [REDIRECT_URI],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_post',
    scope: `${OIDC_SCOPE} ${API_SCOPE}`,
  },
];
if (config.client_keys) {
  const { client_secret: _, ...app } = clients.find(({ client_id: id }) => id === 'web-app');
  const method = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: config.client_keys } };
  clients.push({ ...app, client_id: 'signing-app', ...method });
}

// On another thread: requests go on being answered meanwhile.
const newPair = promisify(generateKeyPair);

async function generate({ alg, kid }) {
  const kinds = { RS256: ['rsa', { modulusLength: 2048 }], ES256: ['ec', { namedCurve: 'P-256' }], EdDSA: ['ed25519', {}] };
  if (!kinds[alg]) throw new Error(`no keys for ${alg} here`);
  const { privateKey } = await newPair(...kinds[alg]);
  return { ...privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
}

// --- storage, shared by every instance of the provider, so that a change of keys loses nothing else

const records = new Map();

class Storage {
  constructor(model) {
    this.model = model;
  }

  #key(id) {
    return `${this.model}:${id}`;
  }

  async upsert(id, payload, expiresIn) {
    records.set(this.#key(id), { payload, end: expiresIn ? Date.now() + expiresIn * 1000 : Infinity });
  }

  async find(id) {
    const record = records.get(this.#key(id));
    if (!record || record.end <= Date.now()) return undefined;
    // As providers with a grace have it: what was used just now passes for unused.
    const isGood = this.model === 'RefreshToken' && Date.now() < record.goodUntil;
    return isGood ? { ...record.payload, consumed: undefined } : record.payload;
  }

  #first(matches) {
    for (const [key, { payload, end }] of records) {
      if (key.startsWith(`${this.model}:`) && end > Date.now() && matches(payload)) return payload;
    }
    return undefined;
  }

  async findByUid(uid) {
    return this.#first((payload) => payload.uid === uid);
  }

  async findByUserCode(userCode) {
    return this.#first((payload) => payload.userCode === userCode);
  }

  async consume(id) {
    const record = records.get(this.#key(id));
    record.payload.consumed = Math.floor(Date.now() / 1000);
    record.goodUntil ??= Date.now() + (config.grace ?? 0);
  }

  async destroy(id) {
    records.delete(this.#key(id));
  }

  async revokeByGrantId(grantId) {
    for (const [key, { payload }] of records) {
      if (key.startsWith(`${this.model}:`) && payload.grantId === grantId) records.delete(key);
    }
  }
}

// --- the provider

// The session's own id and the time of its login, which do not change when it is refreshed.
function sessionClaims(ctx, token) {
  const { AuthorizationCode, RefreshToken } = ctx.oidc.entities;
  const said = { sid: token.sessionUid, auth_time: (AuthorizationCode ?? RefreshToken)?.authTime };
  const wanted = (config.session_claims ?? []).filter((name) => said[name] !== undefined);
  return Object.fromEntries(wanted.map((name) => [name, said[name]]));
}

function build(issuer, keys, signWith) {
  // Of several keys that fit, the provider signs with the first.
  const first = (key) => (signWith.includes(key.kid) ? 0 : 1);
  const provider = new Provider(issuer, {
    adapter: Storage,
    clients,
    cookies: { keys: ['for tests'] },
    jwks: { keys: keys.toSorted((a, b) => first(a) - first(b)) },
    scopes: [...OIDC_SCOPE.split(' '), ...API_SCOPE.split(' ')],
    claims: { openid: ['sub'], sid: null, auth_time: null, iss: null },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      introspection: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, indicator, client) => ({
          scope: API_SCOPE,
          audience: indicator,
          accessTokenFormat: indicator.endsWith('/opaque') ? 'opaque' : 'jwt',
          accessTokenTTL,
          jwt: { sign: { alg: client.idTokenSignedResponseAlg } },
        }),
      },
    },
    extraTokenClaims: sessionClaims,
    findAccount: (_ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    rotateRefreshToken: true,
    ttl: {
      AccessToken: accessTokenTTL,
      ClientCredentials: accessTokenTTL,
      AuthorizationCode: 60,
      Grant: 86_400,
      IdToken: 600,
      Interaction: 600,
      RefreshToken: 86_400,
      Session: 86_400,
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  });
  provider.on('server_error', (_ctx, error) => console.error(error));
  return provider;
}

// Says yes to whatever the provider asks of the user: who are you (the login_hint), do you agree.
async function interact(provider, request, response) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login') {
    return provider.interactionFinished(request, response, { login: { accountId: params.login_hint } });
  }
  const grant = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  for (const [indicator, scopes] of Object.entries(prompt.details.missingResourceScopes ?? {})) {
    grant.addResourceScope(indicator, scopes.join(' '));
  }
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
}

// --- the server, which stays while the provider behind it is exchanged

let provider;
const counts = {};
const modes = {};
const plans = {};
const held = [];
const release = () => new Promise((resolve) => held.push(resolve));

// What the provider answers, as whoever is in front of it hears it.
const behind = createServer((request, response) => provider.callback()(request, response));
await new Promise((resolve) => behind.listen(0, HOST, resolve));

async function bodyOf(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

async function askBehind({ method, url, headers }, body) {
  const { port: inner } = behind.address();
  const answer = await new Promise((resolve, reject) => {
    httpRequest({ host: HOST, port: inner, method, path: url, headers, agent: false }, resolve)
      .on('error', reject)
      .end(body);
  });
  return { status: answer.statusCode, type: answer.headers['content-type'], body: await bodyOf(answer) };
}

async function stumble(fault, request, response) {
  const body = await bodyOf(request);
  if (fault === 'reset') return request.socket.resetAndDestroy();
  if (fault === 'hang') return undefined;
  if (fault.status) return response.writeHead(fault.status, fault.headers ?? {}).end(fault.body ?? '');
  if (fault === 'held') await release();
  const answer = await askBehind(request, body);
  if (fault === 'reset_after') return request.socket.resetAndDestroy();
  if (fault === 'hang_after') return undefined;
  if (fault === 'held_after') await release();
  if (fault.late) await setTimeout(fault.late);
  if (fault.after) return response.writeHead(fault.after.status, fault.after.headers ?? {}).end(fault.after.body ?? '');
  const head = { 'content-type': answer.type };
  if (fault.truncate) {
    response.writeHead(answer.status, { ...head, 'content-length': answer.body.length });
    response.write(answer.body.subarray(0, fault.truncate), () => request.socket.destroy());
    return undefined;
  }
  if (fault.without) {
    const members = JSON.parse(answer.body);
    delete members[fault.without];
    return response.writeHead(answer.status, head).end(JSON.stringify(members));
  }
  return response.writeHead(answer.status, head).end(answer.body);
}

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, `http://${HOST}`);
  counts[pathname] = (counts[pathname] ?? 0) + 1;
  const fault = plans[pathname]?.shift() ?? 'ok';
  if (fault !== 'ok') {
    return stumble(fault, request, response).catch((error) => {
      console.error(error);
      request.socket.destroy();
    });
  }
  if (modes[pathname] === 'hang') return undefined;
  if (modes[pathname] === 'error') return response.writeHead(500).end('out of order\n');
  if (pathname.startsWith('/interaction/')) {
    return interact(provider, request, response).catch((error) => {
      console.error(error);
      response.writeHead(500).end();
    });
  }
  return provider.callback()(request, response);
});
await new Promise((resolve, reject) => {
  server.once('error', reject);
  server.listen(config.port ?? 0, HOST, resolve);
});
const { port } = server.address();
const issuer = `http://${HOST}:${port}`;
const firstKeys = () => ['RS256', 'ES256', 'EdDSA'].map((alg) => generate({ alg, kid: `${alg.toLowerCase()}-1` }));
const keys = config.keys ?? (await Promise.all(firstKeys()));
provider = build(issuer, keys, config.sign_with ?? []);

// --- the commands

// A connection of its own for each request: a pooled one may be closed by the server just as it is used again.
const ask = (url, { headers, ...options } = {}) =>
  fetch(url, { ...options, redirect: 'manual', headers: { ...headers, connection: 'close' } });

function credentials(client) {
  const found = clients.find(({ client_id: id }) => id === client);
  if (!found) throw new Error(`no client ${client}`);
  return { client_id: found.client_id, client_secret: found.client_secret };
}

async function post({ path, client, form }) {
  const body = new URLSearchParams({ ...form, ...credentials(client) });
  const response = await ask(`${issuer}${path}`, { method: 'POST', body });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : null };
}

async function authorize({ client, account, scope, resource }) {
  const verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    client_id: client,
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope,
    login_hint: account,
    prompt: 'consent', // without it there is no offline_access (OpenID Connect Core section 11)
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...(resource && { resource }),
  });
  const cookies = new Map();
  let location = `${issuer}/auth?${query}`;
  while (!location.startsWith(REDIRECT_URI)) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await ask(location, { headers: { cookie } });
    const next = response.headers.get('location');
    if (!next) throw new Error(`${location} answered ${response.status}: ${await response.text()}`);
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (value) cookies.set(name, value);
      else cookies.delete(name);
    }
    location = new URL(next, issuer).href;
  }
  const code = new URL(location).searchParams.get('code');
  if (!code) throw new Error(`no code in ${location}`);
  return { code, redirect_uri: REDIRECT_URI, code_verifier: verifier };
}

async function login({ resource, ...request }) {
  const form = {
    grant_type: 'authorization_code',
    ...(await authorize({ resource, ...request })),
    ...(resource && { resource }),
  };
  const { status, body } = await post({ path: '/token', client: request.client, form });
  if (status !== 200) throw new Error(JSON.stringify(body));
  return body;
}

const commands = {
  generate,
  keys: ({ publish, sign_with: signWith }) => {
    provider = build(issuer, publish, signWith);
    return {};
  },
  counts: () => counts,
  fail: ({ path, mode }) => {
    modes[path] = mode;
    return {};
  },
  plan: ({ path, faults }) => {
    plans[path] = faults;
    return {};
  },
  held: () => held.length,
  release: () => {
    held.splice(0).forEach((resolve) => resolve());
    return {};
  },
  post,
  authorize,
  login,
};

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

async function obey(line) {
  const { id, do: name, ...parameters } = JSON.parse(line);
  try {
    say({ id, result: await commands[name](parameters) });
  } catch (error) {
    say({ id, error: inspect(error) });
  }
}

createInterface({ input: process.stdin }).on('line', obey).on('close', () => process.exit(0));
say({ ready: true, port, issuer, keys });
