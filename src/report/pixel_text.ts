/**
 * Letters of pixels, for labels within pictures.
 *
 * @module
 */

/** Rows of a letter, and columns with the gap to the next. */
export const LETTER_HEIGHT = 7;
/** Columns of a letter with the gap to the next. */
export const LETTER_WIDTH = 6;

/**
 * The 5 x 7 characters of dot-matrix displays (Hitachi HD44780, table 4): five columns of two hexadecimal
 * digits each, the lowest bit at the top.
 */
const COLUMNS: Readonly<Record<string, string>> = {
  a: "2054545478",
  b: "7f48444438",
  c: "3844444428",
  d: "384444487f",
  e: "3854545418",
  f: "00087e0902",
  g: "0c5252523e",
  h: "7f08040478",
  i: "00447d4000",
  j: "2040443d00",
  k: "7f10284400",
  l: "00417f4000",
  m: "7c04180478",
  n: "7c08040478",
  o: "3844444438",
  p: "7c14141408",
  q: "081414187c",
  r: "7c08040408",
  s: "4854545420",
  t: "043f444020",
  u: "3c4040207c",
  v: "1c2040201c",
  w: "3c4030403c",
  x: "4428102844",
  y: "0c5050503c",
  z: "4464544c44",
  "0": "3e5149453e",
  "1": "00427f4000",
  "2": "4261514946",
  "3": "2141454b31",
  "4": "1814127f10",
  "5": "2745454539",
  "6": "3c4a494930",
  "7": "0171090503",
  "8": "3649494936",
  "9": "064949291e",
  " ": "0000000000",
  ".": "0060600000",
  ",": "0050300000",
  ":": "0036360000",
  "-": "0808080808",
  "_": "4040404040",
  "+": "08083e0808",
  "/": "2010080402",
  "%": "2313086462",
  "(": "001c224100",
  ")": "0041221c00",
};

/** What stands for a character that there is no letter for: a frame. */
const UNKNOWN = "7f4141417f";

/**
 * The pixels of a line of text.
 *
 * @param text The text; capital letters are written small, what has no letter is a frame.
 * @param paint Called for every pixel that is lit, with its row (0 to 6) and column.
 */
export function drawText(text: string, paint: (y: number, x: number) => void): void {
  [...text.toLowerCase()].forEach((character, place) => {
    const columns = Object.hasOwn(COLUMNS, character) ? COLUMNS[character]! : UNKNOWN;
    for (let x = 0; x < 5; x++) {
      const bits = parseInt(columns.slice(2 * x, 2 * x + 2), 16);
      for (let y = 0; y < LETTER_HEIGHT; y++) {
        if ((bits >> y) & 1) paint(y, place * LETTER_WIDTH + x);
      }
    }
  });
}
