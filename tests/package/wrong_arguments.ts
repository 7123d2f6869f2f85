/** Calls every function as its example does, and once more for everything that can be wrong with an argument. */

/** One call with one mistake, and what came of it. */
export interface Tried {
  /** The function, and which argument was wrong in which way: `median(0 = null)`. */
  readonly call: string;
  /** The error, if there was one. */
  error?: unknown;
}

/** Anything that can be called. */
type Callable = (...args: unknown[]) => unknown;

const isPlain = (found: unknown): found is Record<string, unknown> =>
  typeof found === "object" && found !== null && Object.getPrototypeOf(found) === Object.prototype;

/** What may stand wrongly in the place of something, by name. */
function wrongly(right: unknown): Record<string, unknown> {
  if (right === undefined || right === null) return {};
  const common = { null: null, promise: Promise.resolve(right) };
  if (typeof right === "number") return { ...common, NaN, text: `${right}` };
  if (typeof right === "string") return { ...common, number: 3 };
  return typeof right === "object" && !Array.isArray(right) ? { ...common, number: 3 } : common;
}

/** All argument lists with one mistake. */
function* mistakes(args: readonly unknown[]): Generator<[where: string, wrong: unknown[]]> {
  for (const [at, right] of args.entries()) {
    for (const [what, wrong] of Object.entries(wrongly(right))) {
      yield [`${at} = ${what}`, args.with(at, wrong)];
    }
    if (!isPlain(right)) continue;
    yield [`${at}.more`, args.with(at, { ...right, more: 1 })];
    for (const [name, value] of Object.entries(right)) {
      for (const [what, wrong] of Object.entries(wrongly(value))) {
        yield [`${at}.${name} = ${what}`, args.with(at, { ...right, [name]: wrong })];
      }
    }
  }
}

/** Functions that try all mistakes before they do, for the first time, what they are asked to. */
export class Prober {
  /** Every call with a mistake. */
  readonly tried: Tried[] = [];
  /** The functions that were called. */
  readonly called: Set<string> = new Set();

  /** A module, or a class with its functions, of which all functions are watched. */
  watch(module: Readonly<Record<string, unknown>>): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(module).map(([name, one]) => [
        name,
        typeof one === "function" ? this.#watched(name, one as Callable) : one,
      ]),
    );
  }

  #watched(name: string, real: Callable): unknown {
    return new Proxy(real, {
      apply: (_, self, args) => {
        const done = this.#try(name, args, (wrong) => Reflect.apply(real, self, wrong));
        const go = () => Reflect.apply(real, self, args);
        return done.length > 0 ? Promise.all(done).then(go) : go();
      },
      construct: (_, args) => {
        this.#try(`new ${name}`, args, (wrong) => Reflect.construct(real, wrong));
        return Reflect.construct(real, args);
      },
      get: (_, key) => {
        const member: unknown = Reflect.get(real, key);
        const isOwn = typeof key === "string" && key !== "prototype" && Object.hasOwn(real, key);
        return isOwn && typeof member === "function"
          ? this.#watched(`${name}.${key}`, member.bind(real) as Callable)
          : member;
      },
    });
  }

  /** Tries all mistakes; returns what is still under way. */
  #try(
    name: string,
    args: readonly unknown[],
    call: (wrong: unknown[]) => unknown,
  ): Promise<unknown>[] {
    if (this.called.has(name)) return [];
    this.called.add(name);
    const under: Promise<unknown>[] = [];
    for (const [where, wrong] of mistakes(args)) {
      const tried: Tried = { call: `${name}(${where})` };
      this.tried.push(tried);
      try {
        const result = call(wrong);
        if (result instanceof Promise) {
          under.push(result.catch((error) => tried.error = error ?? "nothing"));
        }
      } catch (error) {
        tried.error = error ?? "nothing";
      }
    }
    return under;
  }
}

/** Whether an error is one of ours: it says what was attempted, and what was found or expected. */
export function isOurs(error: unknown): boolean {
  return error instanceof Error && /found|expected/i.test(error.message) &&
    !/^Cannot (read properties|destructure|convert undefined)/.test(error.message);
}

/** The examples in a source. */
export async function examplesIn(file: URL): Promise<string[]> {
  const source = await Deno.readTextFile(file);
  return Array.from(
    source.matchAll(/```ts\n([^]*?)```/g),
    ([, block]) => block!.replaceAll(/^ *\* ?/gm, ""),
  );
}

/** All sources in a folder and those below. */
export async function sourcesIn(folder: URL): Promise<URL[]> {
  const files: URL[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) files.push(...await sourcesIn(new URL(`${name}/`, folder)));
    else if (name.endsWith(".ts")) files.push(new URL(name, folder));
  }
  return files.sort((a, b) => a.href < b.href ? -1 : 1);
}

/** Runs an example with the functions of an entry, and of the light one, watched. */
export async function runExample(
  code: string,
  modules: Readonly<Record<string, unknown>>,
): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".ts" });
  const given = code.replaceAll(
    /import \{([^}]*)\} from "@mutasesumele\/toolkit\/?([^"]*)";/g,
    (_, names: string, entry: string) => {
      const values = names.split(",").map((name) => name.trim()).filter((name) =>
        name !== "" && !name.startsWith("type ")
      );
      return `const { ${values.join(", ")} } = globalThis.watched["${entry}"];`;
    },
  );
  Object.assign(globalThis, { watched: modules });
  try {
    await Deno.writeTextFile(path, `${given}\nexport {};\n`);
    await import(`file://${path}`);
  } finally {
    await Deno.remove(path);
  }
}
