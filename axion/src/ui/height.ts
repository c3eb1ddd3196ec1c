// SPDX-License-Identifier: Apache-2.0
import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

/** The height inside of an element, in pixels; 0 before it is there. */
export function useHeight(of: RefObject<HTMLElement | null>): number {
  const [height, setHeight] = useState(0);
  useLayoutEffect(() => {
    const element = of.current;
    if (!element) return;
    const watching = new ResizeObserver(() => setHeight(element.clientHeight));
    watching.observe(element);
    setHeight(element.clientHeight);
    return () => watching.disconnect();
  }, []);
  return height;
}
