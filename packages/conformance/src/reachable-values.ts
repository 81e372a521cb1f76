/** A value that can be reached from an object, and by which way. */
export interface ReachableValue {
  readonly path: string;
  readonly value: unknown;
}

/** More would be somebody's cache, not a key. */
const maxValues = 50_000;

/**
 * Whatever can be reached from an object without calling anything but its own and inherited getters: properties of any
 * name, enumerable or not, elements of arrays, maps and sets, breadth first. Getters of other objects are not called, as
 * they may do things.
 */
export function* reachableValues(root: object, name: string): Generator<ReachableValue> {
  const seen = new Set<object>([root, globalThis]);
  const queue: ReachableValue[] = [...membersOf(root, name, true)];
  for (let at = 0; at < queue.length && at < maxValues; at += 1) {
    const next = queue[at];
    if (next === undefined) return;
    yield next;
    const { path, value } = next;
    if (value === null || typeof value !== 'object' || seen.has(value)) continue;
    seen.add(value);
    if (!ArrayBuffer.isView(value)) queue.push(...membersOf(value, path, false));
  }
}

/** Names of all members of an object, own and inherited, up to Object.prototype. */
export function memberNames(object: object): ReadonlySet<string | symbol> {
  const names = new Set<string | symbol>();
  for (const level of prototypesOf(object)) for (const name of Reflect.ownKeys(level)) names.add(name);
  return names;
}

function membersOf(object: object, path: string, callGetters: boolean): ReachableValue[] {
  const members: ReachableValue[] = [];
  if (object instanceof Map) {
    for (const [key, value] of object)
      members.push({ path: `${path} key`, value: key }, { path: `${path}[…]`, value });
  }
  if (object instanceof Set) for (const value of object) members.push({ path: `${path}{…}`, value });
  for (const level of callGetters ? prototypesOf(object) : [object]) {
    for (const name of Reflect.ownKeys(level)) {
      const descriptor = Reflect.getOwnPropertyDescriptor(level, name);
      if (descriptor === undefined) continue;
      const value: unknown =
        'value' in descriptor ? descriptor.value : callGetters ? read(object, name) : undefined;
      members.push({ path: `${path}.${String(name)}`, value });
    }
  }
  return members;
}

function prototypesOf(object: object): readonly object[] {
  const levels: object[] = [];
  for (
    let level: object | null = object;
    level !== null && level !== Object.prototype;
    level = Reflect.getPrototypeOf(level)
  ) {
    levels.push(level);
  }
  return levels;
}

function read(object: object, name: string | symbol): unknown {
  try {
    return Reflect.get(object, name);
  } catch {
    // A getter that throws gives nothing away.
    return undefined;
  }
}
