/// <reference lib="dom" />
/**
 * Elements, made without any text being read as HTML.
 *
 * @module
 */

/** Attributes; `false` and `undefined` leave one out. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * Makes an HTML element.
 *
 * @param tag Its name.
 * @param attributes Attributes; `true` gives an empty one.
 * @param children Elements and texts.
 */
export function html<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  setAttributes(element, attributes);
  element.append(...children);
  return element;
}

/**
 * Makes an SVG element.
 *
 * @param tag Its name.
 * @param attributes Attributes.
 * @param children Elements and texts.
 */
export function svg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): SVGElementTagNameMap[Tag] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  setAttributes(element, attributes);
  element.append(...children);
  return element;
}

/** Sets attributes, and removes those that are left out. */
export function setAttributes(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** Sets a text, if it is another one: screen readers and selections are left alone otherwise. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** The element of the page with an id. */
export function byId<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

/**
 * Makes the children of an element those of a list: what stays is kept, with focus and all.
 *
 * @param parent The element.
 * @param items The list.
 * @param how `key`: tells items apart; `make`: an element for a new one; `update`: shows an item.
 */
export function showList<Item, Child extends Element>(
  parent: Element,
  items: readonly Item[],
  how: {
    readonly key: (item: Item) => string;
    readonly make: (item: Item) => Child;
    readonly update: (child: Child, item: Item) => void;
  },
): void {
  const keys = new Set(items.map(how.key));
  const before = new Map<string, Child>();
  for (const child of [...parent.children]) {
    const key = (child as HTMLElement).dataset["key"] ?? "";
    if (keys.has(key)) before.set(key, child as Child);
    else child.remove();
  }
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = how.key(item);
    let child = before.get(key);
    if (child === undefined) {
      child = how.make(item);
      child.setAttribute("data-key", key);
    }
    how.update(child, item);
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
}
