// SPDX-License-Identifier: Apache-2.0
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { request } from "../api/client";
import type { RunningQuery } from "../api/types";
import { Dialog } from "./dialog";

const REFRESH_MILLISECONDS = 500;
const isOpen = signal(false);

export function openLongQueries(): void {
  isOpen.value = true;
}

/** What takes long on the server and was asked by this page (an owner sees all), to cancel it. */
export function LongQueries() {
  return isOpen.value ? <List onClose={() => (isOpen.value = false)} /> : null;
}

function List(props: { onClose: () => void }) {
  const [queries, setQueries] = useState<RunningQuery[] | null>(null);
  const [cancelled, setCancelled] = useState<string[]>([]);
  useEffect(() => {
    const loading = new AbortController();
    let timer = 0;
    const load = () =>
      void request<RunningQuery[]>("GET", "queries", undefined, loading.signal).then(
        (found) => {
          setQueries(found);
          timer = window.setTimeout(load, REFRESH_MILLISECONDS);
        },
        () => {},
      );
    load();
    return () => {
      window.clearTimeout(timer);
      loading.abort();
    };
  }, []);
  const cancel = (id: string) => {
    setCancelled((before) => [...before, id]);
    // One that has ended meanwhile needs none.
    void request("POST", `queries/${encodeURIComponent(id)}/cancel`).catch(() => {});
  };
  return (
    <Dialog label="Long queries" class="queries" onClose={props.onClose}>
      <h2>Long queries</h2>
      {queries?.length === 0 && <p>Nothing takes long now.</p>}
      <ul>
        {queries?.map((one) => (
          <li key={one.id}>
            <span class="what">
              {one.what} on {one.scenario}
              {one.own ? "" : ", of another"}
            </span>
            <span class="state">{one.waits ? "waits" : "runs"}</span>
            <button
              type="button"
              class="tool"
              aria-label={`Cancel ${one.what}`}
              disabled={cancelled.includes(one.id)}
              onClick={() => cancel(one.id)}
            >
              Cancel
            </button>
          </li>
        ))}
      </ul>
      <button type="button" class="tool" onClick={props.onClose}>
        Close
      </button>
    </Dialog>
  );
}
