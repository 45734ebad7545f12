// What all elements share: colours as custom properties that a page may set, light and dark, and the small parts. A page that
// sets nothing gets colours whose contrast is enough in both.
import { css } from "lit";

export const shared = css`
  :host {
    --ok: var(--landfall-ok, #1d6b3d);
    --busy: var(--landfall-busy, #0a6660);
    --wait: var(--landfall-wait, #7a4b00);
    --warn: var(--landfall-warn, #8f3d00);
    --bad: var(--landfall-bad, #a4221b);
    --off: var(--landfall-off, #4f5763);
    --ink: var(--landfall-ink, #15201d);
    --soft: var(--landfall-soft, #4c5a55);
    --card: var(--landfall-card, #ffffff);
    --line: var(--landfall-line, #d5dbd4);
    --edge: var(--landfall-edge, #869089);
    --wash: var(--landfall-wash, #e0f0ed);
    --focus: var(--landfall-focus, #0a6660);
    color: var(--ink);
    font: inherit;
  }

  @media (prefers-color-scheme: dark) {
    :host {
      --ok: var(--landfall-ok, #7fd39c);
      --busy: var(--landfall-busy, #6fd0c5);
      --wait: var(--landfall-wait, #f0bd62);
      --warn: var(--landfall-warn, #ffb27a);
      --bad: var(--landfall-bad, #ff9a90);
      --off: var(--landfall-off, #b0bac4);
      --ink: var(--landfall-ink, #e7eeeb);
      --soft: var(--landfall-soft, #a3b3ad);
      --card: var(--landfall-card, #182120);
      --line: var(--landfall-line, #2c3a37);
      --edge: var(--landfall-edge, #71827d);
      --wash: var(--landfall-wash, #1b3431);
      --focus: var(--landfall-focus, #6fd0c5);
    }
  }

  * {
    box-sizing: border-box;
  }

  [hidden] {
    display: none !important;
  }

  .sign {
    width: 1em;
    height: 1em;
    flex: none;
    fill: none;
    stroke: currentColor;
    stroke-width: 1.6;
    stroke-linecap: round;
    stroke-linejoin: round;
    vertical-align: -0.12em;
  }

  .ok > .sign {
    color: var(--ok);
  }
  .busy > .sign {
    color: var(--busy);
  }
  .wait > .sign {
    color: var(--wait);
  }
  .warn > .sign {
    color: var(--warn);
  }
  .bad > .sign {
    color: var(--bad);
  }
  .off > .sign {
    color: var(--off);
  }

  button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 6px;
    min-height: 36px;
    padding: 0 12px;
    border: 1px solid var(--edge);
    border-radius: 8px;
    background: var(--card);
    color: inherit;
    font: inherit;
    font-weight: 500;
    white-space: nowrap;
    cursor: pointer;
  }

  button:hover {
    background: var(--wash);
    border-color: var(--focus);
  }

  button.danger {
    color: var(--bad);
  }

  :focus-visible {
    outline: 2px solid var(--focus);
    outline-offset: 2px;
  }

  @media (pointer: coarse) {
    button {
      min-height: 44px;
    }
  }

  @media (prefers-reduced-motion: no-preference) {
    .turning {
      animation: turn 1.1s linear infinite;
    }
  }

  @keyframes turn {
    to {
      transform: rotate(360deg);
    }
  }
`;
