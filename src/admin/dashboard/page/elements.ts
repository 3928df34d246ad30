// Elements by hand. What comes from the instance only ever becomes text: never markup.

export interface ElementFacts {
  readonly text?: string;
  readonly className?: string;
  readonly title?: string;
}

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  { text, className, title }: ElementFacts = {},
  children: readonly Node[] = [],
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className !== undefined) made.className = className;
  if (title !== undefined) made.title = title;
  made.append(...children);
  return made;
}

export function button(text: string, onClick: () => void): HTMLButtonElement {
  const made = element('button', { text });
  made.type = 'button';
  made.addEventListener('click', onClick);
  return made;
}

/** One that the page was written with. */
export function byId(id: string): HTMLElement {
  return document.getElementById(id)!;
}

/** Says something else only if it is something else: what is selected stays so. */
export function say(place: HTMLElement, text: string): void {
  if (place.textContent !== text) place.textContent = text;
}
