// The data plane's face to the composition root.
export {};
