import type { Readable } from 'node:stream';

/** Something that can be stored. */
export interface Entity<Id extends string | number = string> extends Named {
  readonly id: Id;
  /** Compares two entities. */
  equals(other: Entity<Id>): boolean;
  new (id: Id): Entity<Id>;
  onChange?: (entity: this) => void;
}

export type Result<T, E = Error> = { ok: true; value: T } | { ok: false; error: E };

export enum Level {
  Debug = 10,
  // The default.
  Info = 20,
  Überwachung,
}

declare module 'legacy-store' {
  export function open(path: string): Promise<void>;
  export const version: string;
}

namespace Codec.Binary {
  export const MAGIC = 0xcafe;
  export function encode<T>(value: T): Uint8Array {
    return new TextEncoder().encode(JSON.stringify(value));
  }
}

/** Keeps entities in memory. */
@Injectable({ scope: 'request' })
export abstract class Repository<T extends Entity> implements Iterable<T> {
  private readonly items = new Map<string, T>();
  static created?: Date;

  constructor(protected readonly name: string, private level: Level = Level.Info) {}

  abstract validate(item: T): asserts item is T;

  find(id: string): T | undefined;
  find(predicate: (item: T) => boolean): T | undefined;
  find(query: string | ((item: T) => boolean)): T | undefined {
    return typeof query === 'string' ? this.items.get(query) : [...this].find(query);
  }

  /** Saves an item, and returns whether it was new. */
  @Transactional()
  @Retry(3)
  public async save<K extends keyof T>(item: T, ...keys: K[]): Promise<boolean> {
    this.items.set(item.id, item);
    return keys.length === 0;
  }

  get [Symbol.toStringTag](): string {
    return this.name;
  }

  handler = async (stream: Readable): Promise<void> => {
    for await (const chunk of stream) console.log(chunk);
  };

  *[Symbol.iterator](): Iterator<T> {
    yield* this.items.values();
  }
}

export const isOk = <T, E>(result: Result<T, E>): result is { ok: true; value: T } => result.ok;

declare function fetchJson(url: string): Promise<unknown>;
declare let DEBUG: boolean;

export default function (options: Partial<Record<Level, string>>): void {}
