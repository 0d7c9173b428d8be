export { type Cut, type ShapedLink, type ShapedLinkOptions, shapedLink } from './shaped-link.ts'
