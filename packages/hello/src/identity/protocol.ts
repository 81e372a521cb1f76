/** Paths and constants that client and service share; those of OAuth and OpenID where they have one. */
export const metadataPath = '/.well-known/openid-configuration';
export const tokenPath = '/oauth2/token';

export const jwtBearerGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
export const challengeGrant = 'srv_challenge';

/** How long a device's request is good. */
export const requestLifetimeMs = 5 * 60_000;
