// SPDX-License-Identifier: Apache-2.0

/** Give the keyboard to a panel: to what in it has `data-keyboard`. */
export function focusPanel(id: string): void {
  // What is to have it may still have to be drawn.
  requestAnimationFrame(() => {
    const content = document.querySelector<HTMLElement>(`[data-instance="${id}"]`);
    (content?.querySelector<HTMLElement>("[data-keyboard]") ?? content)?.focus();
  });
}

/** Give the keyboard to an element: at once, so that the next key is its own, or, if it is yet
 * out of sight, once it is drawn. */
export function focusElement(id: string): void {
  const element = document.getElementById(id);
  if (element) element.focus();
  else requestAnimationFrame(() => document.getElementById(id)?.focus());
}
