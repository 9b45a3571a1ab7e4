"""A screenshot as a small PNG: at most 256 colours, each as near to its own as that allows.

The browser decodes; what is written is what https://www.w3.org/TR/png-3/ calls indexed colour, without filters.
"""

import base64
import struct
import zlib

from playwright.async_api import BrowserContext

# The commonest colours stay as they are, and each other one becomes the nearest of them.
FEWER = """
async (encoded) => {
  const answer = await fetch(`data:image/png;base64,${encoded}`);
  const picture = await createImageBitmap(await answer.blob());
  const { width, height } = picture;
  const drawing = new OffscreenCanvas(width, height).getContext("2d");
  drawing.drawImage(picture, 0, 0);
  const pixels = drawing.getImageData(0, 0, width, height).data;
  const colours = Array.from({ length: width * height }, (_, i) => pixels[4 * i] << 16 | pixels[4 * i + 1] << 8 | pixels[4 * i + 2]);
  const times = new Map();
  for (const colour of colours) times.set(colour, (times.get(colour) ?? 0) + 1);
  const kept = [...times.keys()].sort((a, b) => times.get(b) - times.get(a)).slice(0, 256);
  const apart = (a, b) => [16, 8, 0].reduce((sum, shift) => sum + ((a >> shift & 255) - (b >> shift & 255)) ** 2, 0);
  const nearest = (colour) => kept.reduce((best, _, i) => apart(kept[i], colour) < apart(kept[best], colour) ? i : best, 0);
  const place = new Map([...times.keys()].map((colour) => [colour, nearest(colour)]));
  const places = Uint8Array.from(colours, (colour) => place.get(colour));
  let text = "";
  for (let i = 0; i < places.length; i += 8192) text += String.fromCharCode(...places.subarray(i, i + 8192));
  return { width, height, colours: kept, places: btoa(text) };
}
"""


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


async def small(png: bytes, context: BrowserContext) -> bytes:
    """The same picture in fewer colours; the context lends a blank page to decode it."""
    page = await context.new_page()
    found = await page.evaluate(FEWER, base64.b64encode(png).decode())
    await page.close()
    width, height = found["width"], found["height"]
    places = base64.b64decode(found["places"])
    rows = b"".join(b"\0" + places[width * y : width * (y + 1)] for y in range(height))
    palette = b"".join(struct.pack(">I", colour)[1:] for colour in found["colours"])
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", palette),
            _chunk(b"IDAT", zlib.compress(rows, 9)),
            _chunk(b"IEND", b""),
        ]
    )
