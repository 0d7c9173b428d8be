/** What to try after the demo; every line can be typed as it stands, in the repository's folder. */
export const nextSteps = `Try next

  your own photographs, on this machine alone:
    node examples/dist/classify.js PHOTO.jpg

  the same with a server; in two terminals:
    npx isthmus-edge --bundles models/bundles/cifar10
    node examples/dist/classify.js --broker mqtt://127.0.0.1 PHOTO.jpg

  a real second machine: on the server
    npx isthmus-edge --bundles models/bundles/cifar10 --host 0.0.0.0
  and on the device, with the server's address
    node examples/dist/camera.js --broker mqtt://SERVER

  your own network: where it can be cut and what each cut would send; then cut it
    npx isthmus-models inspect MODEL.onnx
    npx isthmus-models cut MODEL.onnx --at TENSOR --check
  and make a bundle of it that devices and servers take
    node examples/dist/own-model.js MODEL.onnx --at TENSOR --labels LABELS.txt --out bundles/mine

  another link and deadline:
    npm start -- --rate 1000 --delay 10 --deadline 80
`
