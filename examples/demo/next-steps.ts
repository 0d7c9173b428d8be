/** What to try after the demo; every line can be typed as it stands, in the repository's folder. */
export const nextSteps = `Try next

  another link and deadline:
    npm start -- --rate 1000 --delay 10 --deadline 80

  your own photographs, on this machine alone:
    node examples/dist/classify.js PHOTO.jpg

  a real second machine: on the server, and on the device with the server's address
    npx isthmus-edge --bundles models/bundles --host 0.0.0.0
    node examples/dist/two-machines.js --broker mqtt://SERVER
    node examples/dist/camera.js --broker mqtt://SERVER

  your own network: where it can be cut and what each cut would send; then cut it and pack what both sides need
    npx isthmus-models inspect MODEL.onnx
    npx isthmus-models pack MODEL.onnx --at TENSOR --labels LABELS.txt --scale imagenet --out bundles/mine
`
