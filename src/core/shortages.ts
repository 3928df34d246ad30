// What a connecting side lacks: descriptors, memory, local ports (connect(2)). Nobody who is called is to blame for that.

export const OUR_SHORTAGES = ['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'EADDRNOTAVAIL'] as const;
