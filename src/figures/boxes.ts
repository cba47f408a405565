/** Boxes on the maps of a figure. */
import type { Box, Size } from '../image/index.js'
import type { FigureSpec, Pixels } from '../render/index.js'

/** Outline in pixels of the cell: white, with as much black on either side, so that it is seen on any colour. */
const WIDTH = 2

/** The figure with a box outlined in every picture of each row, row by row; undefined: none. Boxes are in pixels of the picture, whose size is given. */
export function withBoxes(figure: FigureSpec, boxes: readonly (Box | undefined)[], picture: Size): FigureSpec {
  return {
    ...figure,
    rows: figure.rows.map((row, i) => {
      const box = boxes[i]
      if (!box) return row
      const cells = row.cells.map((cell) =>
        'image' in cell ? { ...cell, image: outlined(cell.image, box, picture) } : cell,
      )
      return { ...row, cells }
    }),
  }
}

function outlined(image: Pixels, box: Box, picture: Size): Pixels {
  const [across, down] = [image.width / picture.width, image.height / picture.height]
  const inside = (v: number, size: number): number => Math.min(size - WIDTH - 1, Math.max(WIDTH, Math.round(v)))
  const [x0, x1] = [inside(box.x0 * across, image.width), inside(box.x1 * across, image.width)]
  const [y0, y1] = [inside(box.y0 * down, image.height), inside(box.y1 * down, image.height)]
  const data = new Uint8Array(image.data)
  const frame = (out: number, value: number): void => {
    for (let y = y0 - out; y <= y1 + out; y++)
      for (let x = x0 - out; x <= x1 + out; x++) {
        if (x < 0 || y < 0 || x >= image.width || y >= image.height) continue
        const edge = Math.min(Math.abs(x - x0), Math.abs(x - x1), Math.abs(y - y0), Math.abs(y - y1))
        if (edge <= out) data.set([value, value, value, 255], 4 * (y * image.width + x))
      }
  }
  frame(WIDTH, 0)
  frame(WIDTH / 2, 255)
  return { ...image, data }
}
