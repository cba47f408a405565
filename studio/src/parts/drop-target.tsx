/** The whole page takes what is dropped or pasted on it. */
import { useSignal } from '@preact/signals'
import { droppedFiles } from 'onnxplain/web'
import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { useDesk } from './context.js'

export function DropTarget({ children }: { readonly children: ComponentChildren }) {
  const { opening } = useDesk()
  const over = useSignal(false)
  useEffect(() => {
    const take = (transfer: DataTransfer | null): void => {
      if (transfer) void droppedFiles(transfer).then((files) => opening.files(files))
    }
    const drop = (event: DragEvent): void => {
      event.preventDefault()
      over.value = false
      take(event.dataTransfer)
    }
    const drag = (event: DragEvent): void => {
      event.preventDefault()
      over.value = event.type === 'dragover' && (event.dataTransfer?.types.includes('Files') ?? false)
    }
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) over.value = false
    }
    const paste = (event: ClipboardEvent): void => {
      if ((event.clipboardData?.files.length ?? 0) > 0) take(event.clipboardData)
    }
    addEventListener('drop', drop)
    addEventListener('dragover', drag)
    addEventListener('dragleave', leave)
    addEventListener('paste', paste)
    return () => {
      removeEventListener('drop', drop)
      removeEventListener('dragover', drag)
      removeEventListener('dragleave', leave)
      removeEventListener('paste', paste)
    }
  }, [opening, over])
  return (
    <>
      {children}
      {over.value && <div class="drop">Drop a picture, a .onnx model with its files, or a folder</div>}
    </>
  )
}
