// The control plane's face to the composition root.
export {};
