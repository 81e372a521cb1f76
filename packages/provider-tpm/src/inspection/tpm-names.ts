/** TPM_ALG_ID by the names of the TCG algorithm registry. */
const algorithmNames: ReadonlyMap<number, string> = new Map([
  [0x0001, 'RSA'],
  [0x0003, 'TDES'],
  [0x0004, 'SHA1'],
  [0x0005, 'HMAC'],
  [0x0006, 'AES'],
  [0x0007, 'MGF1'],
  [0x0008, 'KEYEDHASH'],
  [0x000a, 'XOR'],
  [0x000b, 'SHA256'],
  [0x000c, 'SHA384'],
  [0x000d, 'SHA512'],
  [0x0012, 'SM3_256'],
  [0x0013, 'SM4'],
  [0x0014, 'RSASSA'],
  [0x0015, 'RSAES'],
  [0x0016, 'RSAPSS'],
  [0x0017, 'OAEP'],
  [0x0018, 'ECDSA'],
  [0x0019, 'ECDH'],
  [0x001a, 'ECDAA'],
  [0x001b, 'SM2'],
  [0x001c, 'ECSCHNORR'],
  [0x001d, 'ECMQV'],
  [0x0020, 'KDF1_SP800_56A'],
  [0x0021, 'KDF2'],
  [0x0022, 'KDF1_SP800_108'],
  [0x0023, 'ECC'],
  [0x0025, 'SYMCIPHER'],
  [0x0026, 'CAMELLIA'],
  [0x0027, 'SHA3_256'],
  [0x0028, 'SHA3_384'],
  [0x0029, 'SHA3_512'],
  [0x003f, 'CMAC'],
  [0x0040, 'CTR'],
  [0x0041, 'OFB'],
  [0x0042, 'CBC'],
  [0x0043, 'CFB'],
  [0x0044, 'ECB'],
]);

/** TPM_ECC_CURVE. */
const curveNames: ReadonlyMap<number, string> = new Map([
  [0x0001, 'NIST_P192'],
  [0x0002, 'NIST_P224'],
  [0x0003, 'NIST_P256'],
  [0x0004, 'NIST_P384'],
  [0x0005, 'NIST_P521'],
  [0x0010, 'BN_P256'],
  [0x0011, 'BN_P638'],
  [0x0020, 'SM2_P256'],
]);

/** Four characters by the TCG TPM vendor ID registry. */
const manufacturerNames: ReadonlyMap<string, string> = new Map([
  ['AMD', 'AMD'],
  ['ANT', 'Ant Group'],
  ['ATML', 'Atmel'],
  ['BRCM', 'Broadcom'],
  ['CSCO', 'Cisco'],
  ['FLYS', 'Flyslice Technologies'],
  ['GOOG', 'Google'],
  ['HISI', 'Huawei'],
  ['HPE', 'HPE'],
  ['HPI', 'HPI'],
  ['IBM', 'IBM'],
  ['IFX', 'Infineon'],
  ['INTC', 'Intel'],
  ['LEN', 'Lenovo'],
  ['MSFT', 'Microsoft'],
  ['NSG', 'NSING'],
  ['NSM', 'National Semiconductor'],
  ['NTC', 'Nuvoton Technology'],
  ['NTZ', 'Nationz'],
  ['QCOM', 'Qualcomm'],
  ['ROCC', 'Fuzhou Rockchip'],
  ['SEAL', 'Wisekey'],
  ['SECE', 'Wisekey'],
  ['SMSC', 'SMSC'],
  ['SMSN', 'Samsung'],
  ['SNS', 'Sinosun'],
  ['STM', 'STMicroelectronics'],
  ['TXN', 'Texas Instruments'],
  ['WEC', 'Winbond'],
]);

export function algorithmName(id: number): string {
  return algorithmNames.get(id) ?? inHex(id);
}

export function curveName(id: number): string {
  return curveNames.get(id) ?? inHex(id);
}

/** @returns null for one that is not in the registry */
export function manufacturerName(fourCharacters: string): string | null {
  return manufacturerNames.get(fourCharacters) ?? null;
}

function inHex(id: number): string {
  return `0x${id.toString(16).padStart(4, '0')}`;
}
