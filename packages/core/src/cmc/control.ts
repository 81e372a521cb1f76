import { DerReader } from '../asn1/der-reader.ts';
import { oid, sequence, setOf, unsignedInteger } from '../asn1/der-writer.ts';
import { CountersignError } from '../errors.ts';

/** A control of a PKIData or PKIResponse: TaggedAttribute (RFC 5272 3.2.1.1). */
export interface Control {
  readonly bodyPartId: number;
  readonly type: string;
  /** DER of the values. */
  readonly values: readonly Uint8Array[];
}

export function encodeControl({ bodyPartId, type, values }: Control): Uint8Array {
  return sequence(encodeBodyPartId(bodyPartId), oid(type), setOf(values));
}

/**
 * Reads a controlSequence.
 * @param processed the types that the caller does something about; another makes the message unusable
 *   (RFC 5272 3.2.1.1), and so does one that stands twice, since the two could contradict each other
 * @throws CountersignError `DER_MALFORMED`, `CONTROL_NOT_PROCESSED`
 */
export function readControls(controlSequence: DerReader, processed: ReadonlySet<string>): Control[] {
  const controls = new Map<string, Control>();
  while (!controlSequence.done) {
    const control = readControl(controlSequence.sequence());
    if (!processed.has(control.type)) throw notProcessed(control);
    if (controls.has(control.type)) {
      throw controlSequence.malformed(`the control ${control.type} stands twice`);
    }
    controls.set(control.type, control);
  }
  return [...controls.values()];
}

/** DER of the value of a control, or undefined where the control is absent. */
export function controlValue(controls: readonly Control[], type: string): Uint8Array | undefined {
  return controls.find((control) => control.type === type)?.values[0];
}

/** The octets of a control whose value is an INTEGER or an OCTET STRING, or undefined where it is absent. */
export function controlContents(
  controls: readonly Control[],
  type: string,
  read: (reader: DerReader) => Uint8Array,
): Uint8Array | undefined {
  const value = controlValue(controls, type);
  if (value === undefined) return undefined;
  const reader = DerReader.document(value, 'CMC control');
  const contents = read(reader);
  reader.end();
  return contents;
}

// RFC 5272 3.2.2: INTEGER (0..4294967295).
export function encodeBodyPartId(bodyPartId: number): Uint8Array {
  const octets = new Uint8Array(4);
  new DataView(octets.buffer).setUint32(0, bodyPartId);
  return unsignedInteger(octets);
}

export function readBodyPartId(reader: DerReader): number {
  const octets = reader.unsignedInteger();
  if (octets.length > 4) throw reader.malformed('a body part identifier has more than four octets');
  return octets.reduce((value, octet) => value * 256 + octet, 0);
}

/** RFC 5272 3.2.2: identifiers are unique within a message, and 0 is the message itself. */
export function assertBodyPartsDistinct(bodyPartIds: readonly number[], reader: DerReader): void {
  if (bodyPartIds.includes(0) || new Set(bodyPartIds).size !== bodyPartIds.length) {
    throw reader.malformed('a body part identifier stands twice or is 0');
  }
}

function readControl(reader: DerReader): Control {
  const bodyPartId = readBodyPartId(reader);
  const type = reader.oid();
  const values = reader.setOf();
  // Every control that is processed here has one value by its definition.
  if (values.length !== 1) throw reader.malformed(`the control ${type} has ${values.length} values`);
  reader.end();
  return { bodyPartId, type, values };
}

function notProcessed({ type, bodyPartId }: Control): CountersignError {
  return new CountersignError(
    'CONTROL_NOT_PROCESSED',
    `the CMC message has the control ${type} (body part ${bodyPartId}), which is not processed here`,
    'Leave the control out: what it asks for would go unheeded.',
    { adcs: 'ERROR_INVALID_DATA' },
  );
}
