// A real issuer: npm `oidc-provider`, on loopback, with keys of its own at each start. Everybody who is sent to it is
// logged in as `ada` and consents.
//
// Arguments: the port (0 for a free one), and the format of its access tokens, `jwt` or `opaque`. Prints its address once it
// listens.

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

import { Provider } from 'oidc-provider';

const [port, format] = process.argv.slice(2);
const SCOPES = 'mcp crm:write';

const server = createServer();
server.listen(Number(port), '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: randomUUID() };
  const robot = (id) => ({
    client_id: id,
    client_secret: 'robots-secret',
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  });
  const provider = new Provider(issuer, {
    jwks: { keys: [key] },
    clients: [robot('robot'), robot('gateway')],
    scopes: ['openid', ...SCOPES.split(' ')],
    cookies: { keys: ['tests'] },
    // Whoever registers may ask for every scope later: the user decides.
    extraClientMetadata: {
      properties: ['journey'],
      validator: (_, key, value, metadata) => {
        metadata.scope = `openid ${SCOPES}`;
      },
    },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    extraTokenClaims: () => ({ groups: ['staff'], department: 'support' }),
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    ttl: { AccessToken: 600, ClientCredentials: 600, Grant: 600, Session: 600, Interaction: 600, IdToken: 600 },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true, allowedPolicy: () => true },
      registration: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        useGrantedResource: () => true,
        getResourceServerInfo: (_, resource) => ({
          scope: SCOPES,
          audience: resource,
          accessTokenFormat: format,
          accessTokenTTL: 600,
          ...(format === 'jwt' && { jwt: { sign: { alg: 'ES256' } } }),
        }),
      },
    },
  });
  const handle = provider.callback();
  server.on('request', async (request, response) => {
    if (!request.url.startsWith('/interaction/')) return handle(request, response);
    try {
      const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
      if (prompt.name === 'login') {
        return await provider.interactionFinished(request, response, { login: { accountId: 'ada' } });
      }
      const known = grantId && (await provider.Grant.find(grantId));
      const grant = known || new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
      if (params.scope) grant.addOIDCScope(params.scope);
      for (const resource of [params.resource].flat().filter(Boolean)) {
        grant.addResourceScope(resource, params.scope ?? '');
      }
      return await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  console.log(issuer);
});
