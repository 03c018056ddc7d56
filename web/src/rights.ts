/** Whether the key that signed in may act; who may only look is shown no buttons. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";

export const MayOperate = createContext(false);

export function useMayOperate(): boolean {
  return useContext(MayOperate);
}
