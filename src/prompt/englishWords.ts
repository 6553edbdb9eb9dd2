/**
 * Closed word classes of English and the stock phrases of image prompts, all lower case: what the interim splitter knows.
 */

const set = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/));

/** Words that carry nothing CLIP could find: never tokens of a phrase. */
export const stopWords = set(`
  a an the this that these those some any each every either neither another other its his her their my your our it he she
  they them him we us i you me there here very really quite so too just also both all such own same not no nor then than
  as is are was were be been being am has have had having do does did can could will would should may might must shall
  which who whom whose what where when while if it's its'`);

/** Determiners and possessives: the next word begins a noun phrase. */
export const determiners = set(
  'a an the this that these those some any each every another its his her their my your our no',
);

/** Words that end a noun group and hang the next one on it. */
export const prepositions = set(`
  on in at with of under over above below beneath underneath behind beside besides near between among amongst amid through
  from to into onto toward towards across against around round inside outside within by for without along alongside during
  after before upon off out up down past beyond opposite via per like featuring including`);

/** Words that set two things side by side. */
export const conjunctions = set('and or plus but n');

/** Verbs and relative words that end a noun group; what follows hangs on it. They name nothing themselves. */
export const linkWords = set(`
  is are was were be been being has have had that which who whose where while when as than if because so there`);

/** Forms of "to be" after which a lone adjective describes the noun before. */
export const copulas = set('is are was were');

/** Finite verbs common in prompts, which end a noun group and belong to it ("a cat sits on a chair"). */
export const finiteVerbs = set(`
  sits stands lies lays runs walks wears holds rides plays eats drinks looks stares flies jumps swims sleeps reads writes
  cooks drives carries fights dances sings shows contains leans floats hangs grows stretches rises falls fills covers
  surrounds reflects shines glows smiles laughs cries points kisses hugs chases crosses made filled covered surrounded
  dressed seated shown seen taken painted drawn parked lost placed stacked tied wrapped decorated illuminated lit inspired
  standing`);

/** Nouns that only look like participles. */
export const ingNouns = set(`
  painting building buildings king ring wing wings string spring sting thing things something anything nothing everything ceiling
  evening morning clothing lightning lighting wedding drawing rendering ending feeling being human-being pudding darling
  sibling duckling gosling earring earrings stocking stockings sling swing viking icing frosting railing paving flooring
  bedding crossing landing parking shading setting styling`);

/** Adjectives that are joined by "and" or follow a copula: colours, materials, sizes and states. */
export const adjectives = set(`
  black white red green blue yellow orange purple violet pink brown grey gray golden gold silver beige cyan magenta turquoise
  teal crimson scarlet maroon navy indigo ivory bright dark light pale colorful colourful striped spotted dotted wooden
  metal metallic plastic glass stone big small large huge tiny little giant long short tall thin thick wide narrow round square
  old young new ancient modern open closed empty full wet dry hot cold happy sad angry beautiful ugly dirty clean broken
  shiny fluffy furry soft hard warm cool blonde blond bald triangular abandoned lonely confused realistic photorealistic
  hyperrealistic intricate vivid vibrant cinematic dramatic surreal abstract minimalist minimal detailed sharp moody dreamy`);

/** Nouns that with "of" or "to" make a preposition or a quantity, if they stand alone: "in front of", "next to", "a lot of". */
export const relationalNouns = set(`
  front right left top bottom middle center centre back side next close shape form lot lots couple bunch number kind type sort
  pair set variety`);

/** Words whose full stop ends no sentence. */
export const abbreviations = set('mr mrs ms dr st prof jr sr vs no etc e.g i.e ft ca');

/** Names of media: before "of", or alone in a tag, they speak of the whole image. */
export const mediumNouns = set(`
  painting paintings photo photos photograph photography picture image drawing sketch illustration render rendering portrait
  portraits artwork art poster print engraving etching lithograph woodcut watercolor watercolour gouache fresco mosaic
  photorealism screenshot wallpaper closeup close-up shot view selfie snapshot still footage scene depiction pixel-art
  macro long-shot medium-shot concept-art fanart fan-art cgi`);

/** Words that make any tag of at most a few words a matter of style or quality. */
export const styleWords = set(`
  masterpiece masterpieces artstation deviantart cgsociety pixiv behance octane unreal hdr uhd 4k 8k 16k 2k 1080p hd fullhd
  photorealistic photorealism hyperrealistic hyperrealism hyper-realistic photo-realistic ultrarealistic ultra-realistic
  hyperdetailed ultradetailed ultra-detailed hyper-detailed highres absurdres bokeh raytracing ray-tracing vray v-ray dslr
  unsplash vfx cinema4d blender3d f 35mm 50mm 85mm trending award-winning bestquality impressionism impressionist cubism
  cubist surrealism expressionism baroque ukiyo-e steampunk cyberpunk synthwave vaporwave lowpoly low-poly isometric
  monochrome grayscale greyscale sepia style styled aesthetic cinematic cel-shaded cel-shading volumetric`);

/** Words that never make a tag style by themselves, but do together with each other or a style word. */
export const qualityWords = set(`
  best high highest ultra hyper super extremely highly incredibly insanely very great good amazing stunning perfect top quality
  detail details detailed intricate sharp focus resolution definition professional studio dramatic soft natural lighting light
  lights depth field wide angle lens film grain colour color colours colors grading digital matte oil acrylic ink pencil pixel
  vector concept anime manga cartoon comic 3d 2d cg engine render rendered realistic realism elegant beautiful composition
  smooth vivid vibrant epic award winning popular vintage retro analog polaroid kodak canon nikon sony iso f/1.8 global
  warm cold blurred blurry illumination tracing rays shallow background textures texture`);
