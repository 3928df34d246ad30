// The library face of understudy-lb.
export {};
