// Runs LeNet-5 on what is drawn and shows every layer. The page is docs/draw.md.
"use strict";

(() => {
  // As MNIST: a box of 20 pixels in an image of 28.
  const SIZE = 28;
  const BOX = 20;
  // The middle of the fifteenth pixel: there MNIST has its centres of mass, give or take
  // half a pixel (14.0, counted from 0, over the first 2,000 test images).
  const MIDDLE = 14.5;
  // What is fainter is paper, of 255.
  const FAINT = 16;
  const PEN = 22;
  const DIGITS = 10;

  // The layers in order. Columns are those of the grid on a wide and on a narrow page, and
  // `tile` is the largest width of a map, in pixels; without them a layer is bars.
  const LAYERS = [
    { name: "conv1", what: "convolution 5×5, ReLU", columns: [6, 3], tile: 100 },
    { name: "pool2", what: "largest of 2×2", columns: [6, 6], tile: 64 },
    { name: "conv3", what: "convolution 5×5, ReLU", columns: [8, 8], tile: 64 },
    { name: "pool4", what: "largest of 2×2", columns: [16, 8], tile: 36 },
    { name: "conv5", what: "convolution 5×5, ReLU", columns: [30, 20], tile: 18 },
    { name: "fc6", what: "dense, ReLU" },
    { name: "predictions", what: "dense, softmax" },
  ];

  // From nothing to the largest value of a layer; it grows brighter all the way.
  const RAMP = [
    [13, 17, 28],
    [63, 30, 110],
    [170, 50, 110],
    [245, 130, 50],
    [255, 240, 180],
  ];

  const page = document.getElementById("draw");
  const find = (name) => page.querySelector(`[data-part="${name}"]`);
  const paper = find("paper");
  const pen = paper.getContext("2d", { willReadFrequently: true });
  const seen = find("seen").getContext("2d");
  const digits = new Image();
  let session = null;
  let painters = [];
  let running = false;
  let changed = false;

  function element(tag, className, text = "") {
    const made = document.createElement(tag);
    made.className = className;
    made.textContent = text;
    return made;
  }

  function say(state, text) {
    page.dataset.state = state;
    find("message").textContent = text;
  }

  // The drawing as MNIST has its digits, 28×28 greys; null where there is no ink. The ink's
  // bounding box is scaled to fit 20×20, every pixel of ink is shared out among the pixels
  // that it covers, and the centre of mass comes to the middle.
  function normalized({ data, width, height }) {
    let [left, right, top, bottom] = [width, -1, height, -1];
    let [mass, acrossMass, downMass] = [0, 0, 0];
    const inked = [];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const ink = data[4 * (y * width + x)];
        if (ink < FAINT) continue;
        inked.push([x, y, ink]);
        left = Math.min(left, x);
        right = Math.max(right, x);
        top = Math.min(top, y);
        bottom = Math.max(bottom, y);
        mass += ink;
        acrossMass += ink * (x + 0.5);
        downMass += ink * (y + 0.5);
      }
    }
    if (!mass) return null;
    const scale = BOX / Math.max(right - left + 1, bottom - top + 1);
    const across = MIDDLE - (scale * acrossMass) / mass;
    const down = MIDDLE - (scale * downMass) / mass;
    const image = new Float32Array(SIZE * SIZE);
    for (const [x, y, ink] of inked) {
      for (const [row, height] of shares(down + scale * y, scale)) {
        for (const [column, width] of shares(across + scale * x, scale)) {
          image[row * SIZE + column] += ink * height * width;
        }
      }
    }
    // Whole numbers, as a file of MNIST has them, and as the small picture can show them.
    return image.map((value) => Math.min(255, Math.round(value)));
  }

  // Which pixels a stretch covers, and how much of each.
  function shares(start, length) {
    const found = [];
    const end = start + length;
    for (let n = Math.max(0, Math.floor(start)); n < Math.min(SIZE, end); n++) {
      found.push([n, Math.min(end, n + 1) - Math.max(start, n)]);
    }
    return found;
  }

  function color(share) {
    const place = Math.min(1, Math.max(0, share)) * (RAMP.length - 1);
    const n = Math.min(RAMP.length - 2, Math.floor(place));
    return RAMP[n].map((low, c) => low + (RAMP[n + 1][c] - low) * (place - n));
  }

  function paintGrey(context, image) {
    const picture = context.createImageData(SIZE, SIZE);
    for (let n = 0; n < SIZE * SIZE; n++) {
      const grey = image ? image[n] : 0;
      picture.data.set([grey, grey, grey, 255], 4 * n);
    }
    context.putImageData(picture, 0, 0);
  }

  // Each of these three puts the empty pictures of a layer into `box` and returns what
  // paints its values there: numbers in the order of the tensor, channels last.
  function maps(layer, box, [height, width, count]) {
    const grid = element("div", "draw-maps");
    grid.style.setProperty("--wide", layer.columns[0]);
    grid.style.setProperty("--narrow", layer.columns[1]);
    grid.style.setProperty("--tile", `${layer.tile}px`);
    const contexts = Array.from({ length: count }, (_, channel) => {
      const canvas = element("canvas", "draw-map");
      [canvas.width, canvas.height] = [width, height];
      canvas.title = `${layer.name}, map ${channel + 1} of ${count}`;
      grid.append(canvas);
      return canvas.getContext("2d");
    });
    grid.setAttribute("role", "img");
    grid.setAttribute("aria-label", `the ${count} maps of ${layer.name}`);
    box.append(grid);
    return (values) => {
      const most = Math.max(...values) || 1;
      contexts.forEach((context, channel) => {
        const picture = context.createImageData(width, height);
        for (let n = 0; n < width * height; n++) {
          const share = values[n * count + channel] / most;
          picture.data.set([...color(share), 255], 4 * n);
        }
        context.putImageData(picture, 0, 0);
      });
    };
  }

  function bars(layer, box, [count]) {
    const row = element("div", "draw-bars");
    row.setAttribute("role", "img");
    row.setAttribute("aria-label", `the ${count} values of ${layer.name}`);
    for (let n = 0; n < count; n++) {
      const bar = element("span", "");
      bar.title = `${layer.name}, unit ${n + 1} of ${count}`;
      row.append(bar);
    }
    box.append(row);
    return (values) => {
      const most = Math.max(...values) || 1;
      values.forEach((value, n) => {
        row.children[n].style.height = `${(100 * value) / most}%`;
        row.children[n].style.background = `rgb(${color(value / most).map(Math.round)})`;
      });
    };
  }

  function classes(layer, box, [count]) {
    const list = element("div", "draw-classes");
    const rows = Array.from({ length: count }, (_, digit) => {
      const row = element("div", "");
      const [track, bar] = [element("span", "draw-track"), element("span", "")];
      track.append(bar);
      row.append(element("b", "", String(digit)), track, element("output", ""));
      list.append(row);
      return row;
    });
    box.append(list);
    return (values) => {
      const winner = values.indexOf(Math.max(...values));
      const drawn = values[winner] > 0;
      rows.forEach((row, digit) => {
        const percent = 100 * values[digit];
        row.querySelector(".draw-track span").style.width = `${percent}%`;
        row.querySelector("output").textContent = drawn ? `${percent.toFixed(2)} %` : "";
        row.classList.toggle("draw-winner", drawn && digit === winner);
      });
      find("answer").textContent = drawn ? winner : "?";
      find("certainty").textContent = drawn ? `${(100 * values[winner]).toFixed(1)} %` : "";
    };
  }

  function build(outputs) {
    painters = LAYERS.map((layer) => {
      const shape = outputs[layer.name].dims.slice(1);
      const box = element("section", "draw-layer");
      box.dataset.layer = layer.name;
      const head = element("header", "");
      head.append(
        element("b", "", layer.name),
        element("span", "draw-shape", shape.join("×")),
        element("span", "", layer.what),
      );
      box.append(head);
      find("layers").append(box);
      const kind = layer.columns ? maps : layer.name === "predictions" ? classes : bars;
      return { name: layer.name, paint: kind(layer, box, shape) };
    });
  }

  // From 28×28 greys to the values of every layer.
  async function compute(image) {
    return session.run({ image: new ort.Tensor("float32", image, [1, SIZE, SIZE, 1]) });
  }

  // One run at a time; what is drawn meanwhile makes one more.
  async function update() {
    changed = true;
    if (running || !session) return;
    running = true;
    page.setAttribute("aria-busy", "true");
    try {
      while (changed) {
        changed = false;
        const image = normalized(pen.getImageData(0, 0, paper.width, paper.height));
        const outputs = await compute(image ?? new Float32Array(SIZE * SIZE));
        paintGrey(seen, image);
        for (const { name, paint } of painters) {
          const values = outputs[name].data;
          // What the network makes of nothing at all is no answer.
          paint(image ? values : values.map(() => 0));
        }
        say(image ? "answered" : "empty", "Draw a digit, or take one of these.");
      }
    } finally {
      running = false;
      page.setAttribute("aria-busy", "false");
    }
  }

  function clear() {
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, paper.width, paper.height);
  }

  function place(event) {
    const box = paper.getBoundingClientRect();
    return [
      ((event.clientX - box.left) * paper.width) / box.width,
      ((event.clientY - box.top) * paper.height) / box.height,
    ];
  }

  function listen() {
    let last = null;
    const stroke = (event) => {
      const next = place(event);
      pen.beginPath();
      pen.moveTo(...last);
      pen.lineTo(...next);
      pen.stroke();
      last = next;
      update();
    };
    paper.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      // Strokes go on outside the paper; a pointer that a script makes cannot be held.
      if (event.isTrusted) paper.setPointerCapture(event.pointerId);
      last = place(event);
      stroke(event);
    });
    paper.addEventListener("pointermove", (event) => last && stroke(event));
    for (const end of ["pointerup", "pointercancel"]) {
      paper.addEventListener(end, () => {
        last = null;
      });
    }
    find("clear").addEventListener("click", () => {
      clear();
      update();
    });
  }

  function showDigits() {
    const side = digits.height;
    for (let n = 0; n < DIGITS; n++) {
      const button = element("button", "draw-digit");
      button.type = "button";
      button.title = `take this ${n}`;
      button.setAttribute("aria-label", button.title);
      const picture = element("canvas", "");
      [picture.width, picture.height] = [side, side];
      picture.getContext("2d").drawImage(digits, -n * side, 0);
      button.append(picture);
      button.addEventListener("click", () => {
        clear();
        const to = [0, 0, paper.width, paper.height];
        pen.drawImage(digits, n * side, 0, side, side, ...to);
        update();
      });
      find("digits").append(button);
    }
  }

  async function start() {
    clear();
    Object.assign(pen, {
      lineCap: "round",
      lineJoin: "round",
      lineWidth: PEN,
      strokeStyle: "#fff",
    });
    paintGrey(seen, null);
    if (location.protocol === "file:") {
      say("broken", "A page that is opened as a file may not load the network. Run " +
        "“python -m http.server -d site” and open http://localhost:8000/draw/.");
      return;
    }
    if (!window.ort) {
      say("broken", "onnxruntime-web is not beside this page, so that nothing can run. " +
        "Install npm and run “make docs” with a network connection once.");
      return;
    }
    try {
      digits.src = "digits.png";
      await digits.decode();
      // Threads would need headers that a plain server does not send.
      ort.env.wasm.numThreads = 1;
      ort.env.wasm.wasmPaths = new URL("onnxruntime/", document.baseURI).href;
      session = await ort.InferenceSession.create("lenet5.onnx");
      build(await compute(new Float32Array(SIZE * SIZE)));
    } catch (error) {
      session = null;
      say("broken", "The network could not be loaded; “make docs” writes its file. " +
        `The browser says: ${error.message}`);
      return;
    }
    showDigits();
    listen();
    update();
  }

  start();
})();
