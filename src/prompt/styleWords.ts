/** The stock phrases of image prompts, all lower case. */

const set = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/));

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
  monochrome grayscale greyscale sepia moody dreamy minimalist minimalistic surreal ethereal whimsical vibrant vivid
  colorful colourful photogenic vector minimal style styled aesthetic cinematic cel-shaded cel-shading volumetric`);

/** Words that never make a tag style by themselves, but do together with each other or a style word. */
export const qualityWords = set(`
  best high highest ultra hyper super extremely highly incredibly insanely very great good amazing stunning perfect top quality
  detail details detailed intricate sharp focus resolution definition professional studio dramatic soft natural lighting light
  lights depth field wide angle lens film grain colour color colours colors grading digital matte oil acrylic ink pencil pixel
  vector concept anime manga cartoon comic 3d 2d cg engine render rendered realistic realism elegant beautiful composition
  smooth vivid vibrant epic award winning popular vintage retro analog polaroid kodak canon nikon sony iso f/1.8 global
  warm cold blurred blurry illumination tracing rays shallow background textures texture pastel muted tone tones hue hues palette ambient rim backlit backlighting mood
  atmosphere atmospheric moody rich golden hour flat design raw candid`);
