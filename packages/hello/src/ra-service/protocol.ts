/** Paths and constants of AD FS (MS-OAPXBC, MS-OIDCE) that client and service share. */
export const metadataPath = '/adfs/.well-known/openid-configuration';
export const tokenPath = '/adfs/oauth2/token';

export const jwtBearerGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
export const challengeGrant = 'srv_challenge';

/** The client that Windows is. */
export const brokerClientId = '38aa3b87-a06d-4817-b275-7a316988d93b';
export const certificateScope = 'winhello_cert';
export const certificateResource = 'urn:microsoft:winhello:cert:prov:server';
export const certificateTokenUse = 'winhello_cert';
export const pkcs10RequestType = 'http://schemas.microsoft.com/windows/pki/2009/01/enrollment#PKCS10';

/** What the metadata says of a service that can do it (MS-OIDCE): keys before their sync, on a receipt. */
export const receiptCapability = 'winhello_cert_kr';
/** Certificates for Windows Hello keys. */
export const certificateCapability = 'winhello_cert';
/** Message keys derived by version 2. */
export const derivationCapability = 'kdf_ver2';

/** How long a client's request is good. */
export const requestLifetimeMs = 5 * 60_000;
