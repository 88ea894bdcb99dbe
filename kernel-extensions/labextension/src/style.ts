const id = 'flowbook-frames-style';

/** JupyterLab's own colours, so that a dark theme is dark here too. */
const css = `
.flowbook-frames section { padding: 12px 14px; color: var(--jp-ui-font-color1); background: var(--jp-layout-color1);
  border: 1px solid var(--jp-border-color2); border-radius: 4px; max-width: 760px; }
.flowbook-frames h3 { margin: 0 0 8px; font-size: 15px; font-weight: 600; }
.flowbook-frames .bar { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 12px; margin-bottom: 10px; }
.flowbook-frames .bar > button { width: 30px; height: 26px; }
.flowbook-frames .bar > input[type=range] { flex: 1 1 180px; }
.flowbook-frames .bar label { display: inline-flex; align-items: center; gap: 4px; }
.flowbook-frames .bar label input[type=range] { width: 80px; }
.flowbook-frames .label { flex: 1 1 100%; order: 9; font-weight: 600; }
.flowbook-frames .stage { display: flex; flex-wrap: wrap; gap: 14px; }
.flowbook-frames figure { margin: 0; width: 224px; }
.flowbook-frames .viewport { position: relative; width: 224px; overflow: hidden; cursor: grab; min-height: 20px;
  background: var(--jp-layout-color2); touch-action: none; }
.flowbook-frames .viewport img { display: block; width: 100%; image-rendering: pixelated; transform-origin: center; }
.flowbook-frames .viewport img[hidden] { display: none; }
.flowbook-frames .viewport .over { position: absolute; inset: 0; height: 100%; }
.flowbook-frames figcaption { margin-top: 4px; display: flex; gap: 8px; flex-wrap: wrap; overflow-wrap: anywhere; }
.flowbook-frames .note { color: var(--jp-ui-font-color2); }
.flowbook-frames .strip { margin-top: 12px; overflow-x: auto; }
.flowbook-frames .row { display: flex; align-items: center; gap: 3px; margin-bottom: 3px; }
.flowbook-frames .row span { flex: 0 0 92px; font-size: 11px; color: var(--jp-ui-font-color2); overflow-wrap: anywhere; }
.flowbook-frames .row button { flex: 0 0 auto; padding: 0; border: 2px solid transparent; background: none; cursor: pointer; }
.flowbook-frames .row button[aria-pressed=true] { border-color: #d55e00; }
.flowbook-frames .row img { display: block; width: 44px; height: 44px; object-fit: contain; image-rendering: pixelated; }
`;

/** Adds the rules to the page, once. */
export function addStyle(): void {
  if (document.getElementById(id)) return;
  const style = document.createElement('style');
  style.id = id;
  style.textContent = css;
  document.head.append(style);
}
