// The last object of a kind, kept because it is the last. V8 throws compiled code away as soon as a collection finds the hidden
// class of an object that it was compiled for without an object: a proxy that nobody used for some collections would have to
// compile its whole request path again, and its next requests wait for it.

export class Specimen<Kind extends object> {
  last: Kind | undefined;
}
